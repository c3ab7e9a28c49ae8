import Foundation
import GraphIR

/// Definitions that the suites share.
package enum Custom {
    /// x tanh(log(1 + exp(x))), with a gradient of its own.
    package static let mish = CustomOpDefinition(
        "mish", shape: { _, types in types },
        evaluate: { _, x in [x[0].values.map { $0 * tanh(log(1 + exp($0))) }] },
        gradient: { _, rule in
            let (x, dy) = (rule.operands[0], rule.cotangent)
            let t = (1 + x.exp()).log().tanh()
            return [dy * (t + x * (1 - t * t) * x.sigmoid())]
        },
        decomposition: { _, x in [x[0] * (1 + x[0].exp()).log().tanh()] })

    /// scale · a · b and a + b, without a gradient of its own.
    package static let productAndSum = CustomOpDefinition(
        "product_and_sum", attributes: [("scale", .float(2))], resultCount: 2,
        shape: { _, types in
            guard types.count == 2, types[0] == types[1] else {
                throw IRError("type", "needs two of one type")
            }
            return types
        },
        evaluate: { op, x in
            let pairs = zip(x[0].values, x[1].values)
            return [pairs.map { op.float("scale") * $0 * $1 }, pairs.map { $0 + $1 }]
        },
        decomposition: { op, x in [x[0] * x[1] * op.float("scale"), x[0] + x[1]] })

    /// A decomposition that holds a custom op with a decomposition.
    package static let nested = CustomOpDefinition(
        "nested", shape: { _, types in types }, evaluate: { _, x in [x[0].values] },
        decomposition: { _, x in x[0].builder.custom(mish, [x[0].abs()]) })

    package static let all = [mish, productAndSum, nested]

    /// An op called `bad` that keeps its operand's type, for mistakes of a definition.
    package static func bad(
        gradient: CustomOpDefinition.Gradient? = nil, decomposition: CustomOpDefinition.Decomposition? = nil
    ) -> CustomOpDefinition {
        CustomOpDefinition(
            "bad", shape: { _, types in types }, evaluate: { _, _ in [[]] }, gradient: gradient,
            decomposition: decomposition)
    }

    /// The text of the error that `body` throws of a graph with the op, labelled `here`, between `w` and the loss.
    package static func error(
        _ definition: CustomOpDefinition, _ body: (inout Graph) throws -> Void
    ) throws -> String {
        var graph = try GraphBuilder.build("mistake") { g in
            let w = g.parameter("w", [2])
            g.output("loss", g.scope("here") { g.custom(definition, [w])[0] }.sum())
        }
        return message { try body(&graph) } ?? ""
    }
}
