import Foundation
import GraphCompiler
import Testing

@testable import Encoders

/// Every activation beside PyTorch's (`Fixtures/make_activations.py`).
@Suite struct ActivationTests {
    @Test func allAreTheirNamesakes() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/activations.json")
        let all = try JSONDecoder().decode([String: [Float]].self, from: Data(contentsOf: file))
        let points = try #require(all["x"])
        let table = all.filter { $0.key != "x" }
        let graph = try GraphBuilder.build("activations") { g in
            let x = g.input("x", .f32, [.fixed(points.count)])
            for name in table.keys.sorted() {
                let function = EncoderActivation(rawValue: name) ?? EncoderActivation.aliases[name]
                let y = function.map { $0(x) } ?? DenseActivation(rawValue: name).map { $0(x) }
                g.output(name, try #require(y, "\(name) is not known"))
            }
        }
        let executor = try Compiler().compile(graph, parameters: ParameterStore())
        let outputs = try executor.run(["x": TensorData(points)])
        for (name, expected) in table {
            let values = try #require(try outputs[name]?.floats)
            for (point, (value, right)) in zip(points, zip(values, expected)) {
                #expect(
                    abs(value - right) <= 5e-6 * max(1, abs(right)),
                    "\(name)(\(point)) is \(value), not \(right)")
            }
        }
        let known = EncoderActivation.allCases.map(\.rawValue) + EncoderActivation.aliases.keys
        #expect((known + DenseActivation.allCases.map(\.rawValue)).allSatisfy { table[$0] != nil })
    }
}
