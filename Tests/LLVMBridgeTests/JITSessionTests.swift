import LLVMBridge
import Target
import Testing

@Suite struct JITSessionTests {
    let cpu: TargetCPU
    init() throws { cpu = try TargetCPU.host() }

    @Test func objectsMayShareNames() throws {
        let session = try JITSession()
        let kernels = try (1...3).map { scale in
            let ir = Kernels.vectorAdd(lanes: 8, scale: Float(scale))
            return try session.load(KernelCompiler.compile(ir: ir, for: cpu), symbol: "vectorAdd")
        }
        for (index, kernel) in kernels.enumerated() {
            #expect(Kernels.runVectorAdd(kernel, lanes: 8, tasks: 2)[3] == Float(3 * (index + 1) + 1000))
        }
    }

    /// Objects define functions of the same name, and each kernel calls the one that it is given.
    @Test func codeCallsFunctionsOfOtherObjects() throws {
        let session = try JITSession()
        let kernel = try KernelCompiler.compile(ir: Kernels.caller, for: cpu)
        for number in [5, 7] {
            let object = try KernelCompiler.compile(ir: Kernels.callee(number), for: cpu)
            let callees = try session.load(object, symbols: ["number", "twice.number"])
            let function = try session.load(kernel, symbol: "caller", calling: callees)
            var result = 0
            withUnsafeMutableBytes(of: &result) {
                function(buffers: [$0.baseAddress], dims: [], tasks: 0..<1)
            }
            #expect(result == 2 * number)
        }
        let error = #expect(throws: LLVMError.self) { try session.load(kernel, symbol: "caller") }
        #expect("\(error as Any)".contains("twice.number"))
        let callee = try KernelCompiler.compile(ir: Kernels.callee(1), for: cpu)
        #expect(throws: LLVMError.self) { try session.load(callee, symbols: ["number", "absent"]) }
    }

    @Test func functionKeepsItsSessionAlive() throws {
        func load() throws -> KernelFunction {
            try JITSession().load(
                KernelCompiler.compile(ir: Kernels.vectorAdd(lanes: 8), for: cpu), symbol: "vectorAdd")
        }
        let kernels = try (0..<5).map { _ in try load() }
        for kernel in kernels { #expect(Kernels.runVectorAdd(kernel, lanes: 8, tasks: 1)[1] == 1001) }
    }

    @Test func codeCallsTheCLibrary() throws {
        let session = try JITSession()
        let kernel = try session.load(
            KernelCompiler.compile(ir: Kernels.copyAndFill, for: cpu), symbol: "copyAndFill")
        let count = 5000
        var source = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var copy = [UInt8](repeating: 0, count: count)
        var filled = copy
        source.withUnsafeMutableBytes { source in
            copy.withUnsafeMutableBytes { copy in
                filled.withUnsafeMutableBytes { filled in
                    let buffers = [source.baseAddress, copy.baseAddress, filled.baseAddress]
                    kernel(buffers: buffers, dims: [Int64(count)], tasks: 0..<1)
                }
            }
        }
        #expect(copy == source && filled == [UInt8](repeating: 7, count: count))
    }

    @Test func missingSymbolIsAnErrorEvenIfTheProcessHasIt() throws {
        let session = try JITSession()
        let object = try KernelCompiler.compile(ir: Kernels.vectorAdd(lanes: 8), for: cpu)
        for name in ["absent", "memcpy", "helper"] {
            let error = #expect(throws: LLVMError.self) { try session.load(object, symbol: name) }
            guard case .link(name, let message)? = error else {
                return #expect(Bool(false), "\(error as Any)")
            }
            #expect(message.contains(name))
        }
        #expect(throws: Never.self) { try session.load(object, symbol: "vectorAdd") }
    }

    @Test func unknownCalleeIsNamed() throws {
        let object = try KernelCompiler.compile(ir: Kernels.unknownCallee, for: cpu)
        let error = #expect(throws: LLVMError.self) { try JITSession().load(object, symbol: "unknownCallee") }
        let text = try #require(error).description
        #expect(text.contains("noSuchFunctionAnywhere") && !text.contains("\n"), "\(text)")
    }

    @Test func damagedObjectsAreRefused() throws {
        let session = try JITSession()
        let good = try KernelCompiler.compile(ir: Kernels.vectorAdd(lanes: 8), for: cpu)
        for bytes in [[], [1, 2, 3], Array(good.bytes.prefix(good.bytes.count / 2))] {
            #expect(throws: LLVMError.self) {
                try session.load(ObjectCode(bytes: bytes), symbol: "vectorAdd")
            }
        }
        #expect(throws: Never.self) { try session.load(good, symbol: "vectorAdd") }
    }
}
