import GraphIR
import Testing

@Suite("Custom ops in the graph and its text form")
struct CustomOpTests {
    static let scaled = CustomOpDefinition(
        "scaled",
        attributes: [
            ("factor", .float(1)), ("axes", .ints([0])), ("mode", .name("fast")), ("size", .dimension("n")),
            ("shape", .shape([])), ("floats", .floats([1])), ("count", .int(2)), ("on", .bool(false)),
            ("note", .string("a")),
        ],
        shape: { _, types in types }, evaluate: { _, x in [x[0].values] })

    private static func graph(_ attributes: [String: Attribute]) throws -> Graph {
        try GraphBuilder.build("g") { g in
            g.output("y", g.custom(scaled, [g.input("x", .f32, ["n"])], attributes)[0])
        }
    }

    @Test(
        "printing and parsing give the graph back",
        arguments: [
            [:], ["factor": .float(3), "axes": .ints([]), "mode": .name("slow")],
            [
                "size": .dimension(3), "shape": .shape([1, 2]), "floats": .floats([2, 3.5]),
                "on": .bool(true),
            ],
        ] as [[String: Attribute]])
    func roundTrip(_ attributes: [String: Attribute]) throws {
        let graph = try Self.graph(attributes)
        #expect(graph.description.contains("custom.scaled %0 {factor = "))
        #expect(try Graph(parsing: graph.description, customOps: [Self.scaled]) == graph)
    }

    @Test("an attribute that is left out has the definition's value")
    func defaults() throws {
        let text = "graph \"g\" { %x = input {name = \"x\"} : f32[n] %y = custom.scaled %x output \"y\" %y }"
        #expect(try Graph(parsing: text, customOps: [Self.scaled]) == Self.graph([:]))
    }

    @Test(
        "mistakes are named with their place",
        arguments: [
            ("custom.scale %x", "no custom op 'scale' is defined here; did you mean 'scaled'?"),
            ("custom.other %x", "no custom op 'other' is defined here"),
            ("custom. %x", "no custom op '' is defined here"),
            ("custom %x", "there is no op 'custom'"),
            ("custom.scaled", "a custom op needs an operand"),
            ("custom.scaled %x {faktor = 1}", "has no attribute 'faktor'; did you mean 'factor'?"),
            ("custom.scaled %x {factor = true}", "attribute 'factor' must be a number"),
        ])
    func mistakes(node: String, message: String) {
        let text = "graph \"g\" { %x = input {name = \"x\"} : f32[n]\n%y = \(node) output \"y\" %y }"
        let error = #expect(throws: IRError.self) {
            try Graph(parsing: text, file: "g.ir", customOps: [Self.scaled])
        }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.place == "g.ir:2:6")
    }

    @Test("shape rules are held to what they promise")
    func shapeRules() {
        func message(_ name: String, _ rule: @escaping CustomOpDefinition.ShapeRule) -> String {
            let op = CustomOpDefinition(name, shape: rule, evaluate: { _, x in [x[0].values] })
            let error = #expect(throws: (any Error).self) {
                try GraphBuilder.build("g") { g in
                    g.output("y", g.custom(op, [g.input("x", .f32, [2])])[0])
                }
            }
            return error.map { "\($0)" } ?? ""
        }
        struct Refusal: Error, CustomStringConvertible { let description = "takes nothing" }
        #expect(
            message("a", { _, _ in [] }) == "custom.a: its shape rule gives 0 results, but it has 1 [type]")
        #expect(message("b", { _, _ in throw Refusal() }) == "custom.b: takes nothing [type]")
        #expect(message("c", { _, _ in [TensorType(.f32, [-1])] }).contains("negative"))
        #expect(message("not a word", { _, types in types }).contains("can't name a custom op"))
    }

    @Test("attributes that the definition does not have stop the builder")
    func unknownAttribute() {
        let error = #expect(throws: (any Error).self) { try Self.graph(["sice": .int(1)]) }
        #expect("\(error.map { "\($0)" } ?? "")".contains("has no attribute 'sice'; did you mean 'size'?"))
    }
}
