import GraphIR
import TestSupport
import Testing
import Transforms

@Suite struct UserRulesTests {
    /// x · tanh(log(1 + exp(x))) = mish(x)
    private static let findMish = RewriteRule("find-mish") { (site, graph) throws(IRError) in
        guard case .elementwise(.binary(.mul)) = site.op else { return nil }
        let x = site.operands[0]
        let tanh = graph.producer(site.operands[1])
        guard case .elementwise(.unary(.tanh)) = tanh.op else { return nil }
        let log = graph.producer(tanh.operands[0])
        guard case .elementwise(.unary(.log)) = log.op else { return nil }
        let sum = graph.producer(log.operands[0])
        guard case .elementwise(.binary(.add)) = sum.op, graph.splat(sum.operands[0]) == 1 else { return nil }
        let exp = graph.producer(sum.operands[1])
        guard case .elementwise(.unary(.exp)) = exp.op, exp.operands[0] == x else { return nil }
        return try graph.emit(.custom(CustomOp(Custom.mish)), [x], label: site.label)
    }

    private func graph() throws -> Graph {
        try GraphBuilder.build("g") { g in
            let x = g.input("x", .f32, ["rows", 3])
            g.output("y", g.scope("block") { x * (1 + x.exp()).log().tanh() } + x)
        }
    }

    private func run(_ rules: [RewriteRule], keeping: Set<CustomOpDefinition> = []) throws -> Graph {
        var graph = try graph()
        try PassPipeline.standard(rules: rules, keeping: keeping).run(
            on: &graph, options: PassPipeline.Options(disabled: PassPipeline.fusionPasses))
        return graph
    }

    @Test func aRuleRewritesWhatTheUserBuilt() throws {
        let graph = try run([Self.findMish], keeping: [Custom.mish])
        #expect(
            graph.description == """
                graph "g" {
                  %0 = input {name = "x"} : f32[rows, 3]
                  %1 = custom.mish %0 : f32[rows, 3] @ "block"
                  %2 = add %1, %0 : f32[rows, 3]
                  output "y" %2
                }

                """)
    }

    @Test func rulesAreAPassOfTheirOwn() throws {
        let pipeline = PassPipeline.standard(rules: [Self.findMish], keeping: [Custom.mish])
        #expect(pipeline.names.first == "user-rules")
        var graph = try graph()
        try pipeline.run(on: &graph, options: PassPipeline.Options(disabled: ["user-rules"]))
        #expect(!graph.description.contains("custom"))
        #expect(!PassPipeline.standard.names.contains("user-rules"))
    }

    private func error(_ rule: RewriteRule) -> String {
        let error = #expect(throws: IRError.self) { try run([rule]) }
        return error.map { "\($0)" } ?? ""
    }

    @Test func aRuleThatChangesTheTypeIsNamed() {
        let rule = RewriteRule("shrink") { (site, graph) throws(IRError) in
            guard case .elementwise(.unary(.exp)) = site.op else { return nil }
            return try graph.emit(.reduce(.sum, axes: [0], keepDimensions: false), site.operands, label: "")
        }
        #expect(
            error(rule)
                == "in user-rules: %1 = exp \"block\": rule \"shrink\": gives f32[3] for f32[rows, 3] [rule]")
    }

    @Test func aRuleThatGivesAForeignValueIsNamed() {
        let rule = RewriteRule("foreign") { (site, _) throws(IRError) in
            if case .elementwise(.unary(.exp)) = site.op { Value(NodeID(99)) } else { nil }
        }
        #expect(error(rule).contains("rule \"foreign\": gives a value that is not in the new graph"))
    }

    @Test func aRuleThatBuildsAnIllTypedNodeIsNamed() {
        let rule = RewriteRule("ill-typed") { (site, graph) throws(IRError) in
            guard case .elementwise(.unary(.exp)) = site.op else { return nil }
            return try graph.emit(.unary(.not), site.operands, label: "")
        }
        #expect(error(rule).contains("rule \"ill-typed\": not: can't take f32[rows, 3]"))
    }

    @Test func rulesThatNeverEndAreNamed() {
        let swap = RewriteRule("swap") { (site, graph) throws(IRError) in
            guard case .elementwise(.binary(.add)) = site.op else { return nil }
            return try graph.emit(site.op, site.operands.reversed(), label: site.label)
        }
        #expect(error(swap).contains("rule \"swap\" was applied"))
        let grow = RewriteRule("grow") { (site, graph) throws(IRError) in
            guard case .elementwise(.unary(.exp)) = site.op else { return nil }
            let twice = try graph.emit(.unary(.neg), site.operands, label: "")
            let back = try graph.emit(.unary(.neg), [twice], label: "")
            return try graph.emit(site.op, [back], label: "")
        }
        #expect(error(grow).contains("rule \"grow\" was applied"))
    }
}
