import GraphIR
import Synchronization
import Testing
import Transforms

@Suite struct PassPipelineTests {
    static func graph() throws -> Graph {
        try GraphBuilder.build("g") { g in
            let x = g.input("x", .f32, ["tokens", 4])
            g.output("y", (x + 0).exp())
        }
    }

    /// A pass that builds an ill-formed graph: an update of something that is no parameter.
    static let breaking = Pass("breaking") { (graph: inout Graph) throws(IRError) in
        graph.addUpdate(of: Value(NodeID(0)), to: Value(NodeID(0)))
        return true
    }

    @Test func errorSaysAfterWhichPass() throws {
        var graph = try Self.graph()
        let error = #expect(throws: IRError.self) {
            try PassPipeline([.simplify, Self.breaking, .deadCode]).run(on: &graph)
        }
        #expect(error?.rule == "V5")
        #expect(error?.place.hasPrefix("after breaking: ") == true)
        #expect(graph.updates.count == 1, "the broken graph is there for a dump")
    }

    @Test func graphIsVerifiedOnEntry() throws {
        var graph = try Self.graph()
        _ = try Self.breaking.run(&graph)
        let error = #expect(throws: IRError.self) { try PassPipeline([]).run(on: &graph) }
        #expect(error?.place.hasPrefix("before the first pass") == true)
    }

    @Test func failingPassIsNamed() throws {
        let failing = Pass("failing") { (_: inout Graph) throws(IRError) in throw IRError("type", "no") }
        var graph = try Self.graph()
        let error = #expect(throws: IRError.self) { try PassPipeline([failing]).run(on: &graph) }
        #expect(error?.description == "in failing: no [type]")
    }

    @Test(arguments: [
        PassPipeline.Options(disabled: ["fold"]), PassPipeline.Options(stopAfter: "fold"),
    ])
    func unknownNameListsLegalOnes(_ options: PassPipeline.Options) throws {
        var graph = try Self.graph()
        let error = #expect(throws: IRError.self) {
            try PassPipeline.standard.run(on: &graph, options: options)
        }
        #expect(
            error?.message == "there is no pass \"fold\"; the passes are "
                + "decompose-custom, simplify, constant-folding, common-subexpressions, dead-code")
    }

    @Test func disablingAndStopping() throws {
        func names(_ configure: (inout PassPipeline.Options) -> Void) throws -> [String] {
            let seen = Seen()
            var options = PassPipeline.Options { name, _, seconds, _ in
                #expect(seconds >= 0)
                seen.append(name)
            }
            configure(&options)
            var graph = try Self.graph()
            try PassPipeline.standard.run(on: &graph, options: options)
            return seen.all
        }
        #expect(
            try names { $0.disabled = ["simplify"] } == [
                "decompose-custom", "constant-folding", "common-subexpressions", "dead-code",
            ])
        #expect(
            try names { $0.stopAfter = "constant-folding" } == [
                "decompose-custom", "simplify", "constant-folding",
            ])
        #expect(
            try names { $0 = .init(disabled: ["simplify"], stopAfter: "simplify", observer: $0.observer) }
                == ["decompose-custom"])
    }

    @Test func observerSeesTheGraphAndWhetherItChanged() throws {
        let seen = Seen()
        var graph = try Self.graph()
        let options = PassPipeline.Options { name, graph, _, changed in
            seen.append("\(name) \(graph.nodes.count) \(changed)")
        }
        try PassPipeline([.simplify, .simplify, .deadCode]).run(on: &graph, options: options)
        #expect(seen.all == ["simplify 3 true", "simplify 3 false", "dead-code 2 true"])
    }
}

/// Lines that an observer collects.
private final class Seen: Sendable {
    private let lines = Mutex<[String]>([])
    func append(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}
