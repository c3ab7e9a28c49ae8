import GraphIR
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
        _ = try Self.breaking.run(&graph, PassContext())
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
                + PassPipeline.standard.names.joined(separator: ", "))
    }

    @Test func disablingAndStopping() throws {
        func names(_ options: PassPipeline.Options) throws -> [String] {
            var graph = try Self.graph()
            var records: [PassRecord] = []
            try PassPipeline.standard.run(on: &graph, options: options, records: &records)
            #expect(records.allSatisfy { $0.seconds >= 0 })
            return records.map(\.name)
        }
        let all = try names(.init())
        #expect(try names(.init(disabled: ["simplify"])) == all.filter { $0 != "simplify" })
        #expect(
            try names(.init(stopAfter: "constant-folding")) == [
                "decompose-custom", "simplify", "constant-folding",
            ])
        #expect(try names(.init(disabled: ["simplify"], stopAfter: "simplify")) == ["decompose-custom"])
    }

    @Test func recordsHaveTheGraphAndWhetherItChanged() throws {
        var graph = try Self.graph()
        var records: [PassRecord] = []
        try PassPipeline([.simplify, .simplify, .deadCode]).run(on: &graph, records: &records)
        #expect(
            records.map { "\($0.name) \($0.graph.nodes.count) \($0.changed)" } == [
                "simplify 3 true", "simplify 3 false", "dead-code 2 true",
            ])
    }

    @Test func recordsUpToTheFailingPassAreKept() throws {
        var graph = try Self.graph()
        var records: [PassRecord] = []
        #expect(throws: IRError.self) {
            try PassPipeline([.simplify, Self.breaking]).run(on: &graph, records: &records)
        }
        #expect(records.map(\.name) == ["simplify"])
    }
}
