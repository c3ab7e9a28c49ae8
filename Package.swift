// swift-tools-version: 6.1
import PackageDescription

/// Every Swift target is held to the same rules; `make lint` and CI add warnings-as-errors.
let strict: [SwiftSetting] = [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")]

func library(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target
{
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

/// One of `Examples/`; `swift run NAME` starts it.
func example(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: "Examples/\(name)", swiftSettings: strict)
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let mpi = TargetDependencyCondition.when(traits: ["MPI"])
let http: [Target.Dependency] = [
    .product(name: "Hummingbird", package: "hummingbird"),
    .product(name: "HummingbirdCore", package: "hummingbird"),
    .product(name: "HummingbirdHTTP2", package: "hummingbird"),
    .product(name: "HummingbirdTLS", package: "hummingbird"),
    .product(name: "HTTPTypes", package: "swift-http-types"),
    .product(name: "Logging", package: "swift-log"),
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOTLS", package: "swift-nio"),
    .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
    .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
    .product(name: "UnixSignals", package: "swift-service-lifecycle"),
]
let atomics = Target.Dependency.product(name: "Atomics", package: "swift-atomics")

// Targets are listed in the order of the pipeline; a target imports only what stands above it.
let package = Package(
    name: "bertc",
    products: [
        .library(name: "GraphIR", targets: ["GraphIR"]),
        .library(name: "GraphCompiler", targets: ["GraphCompiler"]),
        .library(name: "Encoders", targets: ["Encoders"]),
        .library(name: "ONNX", targets: ["ONNX"]),
        .library(name: "Pipelines", targets: ["Pipelines"]),
        .library(name: "Server", targets: ["Server"]),
        .library(name: "Training", targets: ["Training"]),
        .executable(name: "bertc", targets: ["bertc"]),
    ],
    traits: [
        .trait(name: "MPI", description: "Trains on several machines; needs MPI's headers and library.")
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-atomics", from: "1.3.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
    ],
    targets: [
        .target(name: "CLLVM"),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CMPI", pkgConfig: "mpi", providers: [.apt(["libopenmpi-dev"])]),
        // Without the trait this is an empty file.
        .target(
            name: "MPIBridge", dependencies: [.target(name: "CMPI", condition: mpi)],
            cSettings: [.define("BERTC_MPI", .when(traits: ["MPI"]))]),
        .target(name: "CMemoryFile"),
        library("Support"),
        library("Target"),
        library("LLVMBridge", ["CLLVM", "Target"]),
        library("GraphIR", ["Support"]),
        library("Interpreter", ["Support", "GraphIR"]),
        library("Autodiff", ["GraphIR"]),
        library("Transforms", ["Target", "GraphIR", "Interpreter", "Autodiff", heap]),
        library("KernelIR", ["Target", "GraphIR"]),
        library("Lowering", ["Target", "GraphIR", "KernelIR"]),
        library("Codegen", ["Target", "GraphIR", "KernelIR"]),
        library("Runtime", ["Target", "GraphIR", "Interpreter", "KernelIR", atomics]),
        library("Collectives", ["CMemoryFile", .target(name: "MPIBridge", condition: mpi)]),
        library("Roofline", ["Target", "LLVMBridge", "Runtime"]),
        library(
            "GraphCompiler",
            [
                "Support", "Target", "LLVMBridge", "GraphIR", "Interpreter", "Autodiff", "Transforms",
                "KernelIR", "Lowering", "Codegen", "Runtime", "Collectives", "Roofline", atomics,
            ]),
        library("Encoders", ["Support", "GraphIR"]),
        library("ONNX", ["Support", "GraphIR"]),
        library("Text", ["Support", "CZlib", heap]),
        library("Pipelines", ["Support", "GraphCompiler", "Encoders", "Text"]),
        library("Training", ["Support", "GraphIR", "GraphCompiler", "Encoders", "Text", "Pipelines"]),
        library(
            "Server", ["Support", "GraphCompiler", "Encoders", "Pipelines"] + http,
            resources: [.embedInCode("Page")]),
        library("Measuring", ["Support", "GraphCompiler"]),
        library(
            "BertcCommands",
            [
                "Support", "Measuring", "Pipelines", "Server", "Training", "Encoders", "ONNX", "Text",
                "GraphCompiler", argumentParser,
            ], resources: [.embedInCode("Compile/HTML/Page")]),
        .executableTarget(name: "bertc", dependencies: ["BertcCommands"], swiftSettings: strict),
        .target(
            name: "Benchmarks",
            dependencies: [
                "Support", "Target", "Measuring", "Training", "Encoders", "Text", "GraphCompiler",
                argumentParser,
            ],
            resources: [.copy("Peers")], swiftSettings: strict),
        .executableTarget(name: "bertc-benchmarks", dependencies: ["Benchmarks"], swiftSettings: strict),

        example("01-custom-graph", ["GraphCompiler"]),
        example("02-training", ["GraphCompiler"]),
        example("03-custom-op", ["GraphCompiler"]),
        example("04-bert", ["Encoders", "GraphCompiler"]),
        example("05-inspecting", ["GraphCompiler"]),
        example("06-server", ["Pipelines", "Server"]),

        // ONNX's own test suite, run by hand: docs/onnx.md.
        .executableTarget(
            name: "onnx-conformance", dependencies: ["BertcCommands", "GraphCompiler", "ONNX"],
            path: "Tests/ONNXConformance", exclude: ["make_cases.py"], swiftSettings: strict),
        // AMX tile instructions for processors without them: in no product, only tests use it.
        .target(name: "TileEmulator", path: "Tests/TileEmulator"),
        .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
        .target(
            name: "TestSupport",
            dependencies: ["Support", "GraphIR", "Interpreter", "Autodiff", "Collectives"],
            path: "Tests/TestSupport", swiftSettings: strict),
        tests("SupportTests", ["Support", "TestSupport"]),
        tests("LLVMBridgeTests", ["LLVMBridge", "Target"]),
        tests("TargetTests", ["Target"]),
        tests("GraphIRTests", ["GraphIR"], resources: [.copy("Fixtures")]),
        tests("InterpreterTests", ["TestSupport", "GraphIR", "Interpreter"]),
        tests(
            "AutodiffTests",
            ["TestSupport", "Support", "GraphIR", "Interpreter", "Autodiff", "Transforms"]),
        tests(
            "TransformsTests",
            ["TestSupport", "Support", "Target", "GraphIR", "Interpreter", "Autodiff", "Transforms"],
            resources: [.copy("Golden")]),
        tests("CodegenTests", ["Target", "Codegen", "KernelIR"]),
        tests(
            "LoweringTests", ["TestSupport", "GraphIR", "Target", "KernelIR", "Lowering"],
            resources: [.copy("Golden")]),
        tests(
            "RuntimeTests",
            [
                "TestSupport", "Target", "Runtime", "KernelIR", "Lowering", "Codegen", "LLVMBridge",
                "TileEmulator",
            ]),
        tests("CollectivesTests", ["Collectives", "TestSupport"]),
        tests(
            "GraphCompilerTests",
            [
                "TestSupport", "Support", "Target", "GraphCompiler", "GraphIR", "Interpreter", "Transforms",
                "Lowering",
                "LLVMBridge", "CAllocationCounter", "TileEmulator",
            ]),
        tests("TextTests", ["TestSupport", "Text", "Support"], resources: [.copy("Fixtures")]),
        tests(
            "EncodersTests", ["TestSupport", "Encoders", "Support", "GraphCompiler", "Interpreter"],
            resources: [.copy("Fixtures")]),
        tests(
            "ONNXTests", ["TestSupport", "Support", "ONNX", "GraphCompiler", "Interpreter", "BertcCommands"],
            resources: [.copy("Fixtures")]),
        tests(
            "PipelinesTests", ["TestSupport", "Support", "Pipelines", "Encoders", "Text"],
            resources: [.copy("Fixtures")]),
        tests(
            "ServerTests", ["TestSupport", "Support", "Server", "Pipelines"],
            resources: [.copy("Clients")]),
        tests(
            "TrainingTests",
            [
                "TestSupport", "Support", "Pipelines", "Training", "Encoders", "Text", "GraphCompiler",
                "BertcCommands",
            ], resources: [.copy("Fixtures")]),
        tests(
            "ExamplesTests",
            ["01-custom-graph", "02-training", "03-custom-op", "04-bert", "05-inspecting"]),
        tests("MeasuringTests", ["Measuring"]),
        tests("BenchmarksTests", ["Benchmarks", "Measuring"]),
        tests(
            "BertcCommandsTests",
            [
                "TestSupport", "Support", "BertcCommands", "Pipelines", "Training", "Encoders", "Text",
                "GraphCompiler",
            ]),
    ]
)
