import Foundation
import Testing

/// Runs each of `Examples/`, which stand beside the test bundle once they are built, and looks at what it prints.
@Suite struct ExamplesTests {
    private func output(_ name: String) throws -> String {
        let bundle = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
        let process = Process()
        process.executableURL = bundle.resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent(name)
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: data, as: UTF8.self)
    }

    /// The numbers behind `label` in each line that has one.
    private func numbers(behind label: String, in text: String) throws -> [Double] {
        text.components(separatedBy: label).dropFirst().compactMap { rest in
            Double(rest.prefix { $0.isNumber || "-.e".contains($0) })
        }
    }

    @Test func customGraph() throws {
        let text = try output("01-custom-graph")
        #expect(text.contains("input      x: f32[rows, 3]"))
        #expect(text.contains("output     probabilities: f32[rows, 2]"))
        #expect(text.contains("rows [[1.0, 2.0, 3.0], [0.0, -1.0, 1.0]] give [2, 2] ["))
        #expect(text.contains("rows [[0.5, 0.5, 0.5]] give [1, 2] ["))
        #expect(text.contains("input \"X\": the graph has no such input; did you mean 'x'?"))
    }

    @Test func training() throws {
        let text = try output("02-training")
        let autodiff = try #require(numbers(behind: "by autodiff ", in: text).first)
        let differences = try #require(numbers(behind: "by differences ", in: text).first)
        #expect(abs(autodiff - differences) < 1e-3)
        let losses = try numbers(behind: "loss ", in: text)
        #expect(losses.count == 7)
        #expect(try #require(losses.last) < 1e-2)
        for (truth, learned) in zip(
            try numbers(behind: ") = ", in: text), try numbers(behind: "learned ", in: text))
        {
            #expect(abs(truth - learned) < 0.2)
        }
    }

    @Test func customOp() throws {
        let text = try output("03-custom-op")
        #expect(text.contains("by kernel: ") && text.contains("custom.mish"))
        #expect(text.contains("the results agree to 1e-5: true"))
        #expect(text.contains("the text form gives the graph back: true"))
        let losses = try numbers(behind: "loss ", in: text) + numbers(behind: "-> ", in: text)
        #expect(losses.count == 2 && losses[1] < losses[0])
    }

    @Test func bert() throws {
        let text = try output("04-bert")
        #expect(text.contains("parameters with"))
        let right = try numbers(behind: ", ", in: text)
        #expect(right.count == 7)
        #expect(try #require(right.last) >= 28)
    }

    @Test func inspecting() throws {
        let text = try output("05-inspecting")
        #expect(text.contains("after simplify: "))
        #expect(text.contains("fused    "))
        #expect(text.contains("layernorm+matmul+bias+gelu"))
        #expect(text.contains(" adamw"))
        #expect(text.contains(" different kernels: "))
    }
}

/// The code on docs/library.md stands in an example or a test, so that it compiles and works.
@Suite struct LibraryPageTests {
    @Test func codeOnThePageIsTested() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        func text(_ path: String) throws -> String {
            try String(contentsOf: root.appending(path: path), encoding: .utf8)
        }
        /// Lines without indentation, which differs inside of functions.
        func flat(_ text: some StringProtocol) -> String {
            text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(
                separator: "\n")
        }
        let names = ["01-custom-graph", "02-training", "03-custom-op"].map { "Examples/\($0)/main.swift" }
        let tests = ["CompiledGraphTests", "OwnOptimizerTests"].map { "Tests/GraphCompilerTests/\($0).swift" }
        let imported = ["Tests/ONNXTests/ONNXFileTests.swift"]
        let sources = try (names + tests + imported).map { flat(try text($0)) }
        let blocks = try text("docs/library.md").components(separatedBy: "```swift\n").dropFirst()
        #expect(blocks.count == 8)
        for block in blocks {
            let code = flat(block.components(separatedBy: "```")[0])
            #expect(sources.contains { $0.contains(code) }, "\(code)")
        }
    }
}
