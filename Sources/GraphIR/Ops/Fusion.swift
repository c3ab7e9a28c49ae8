// fusion   the body of the region, applied to the operands: operand i is the body's input "i", result i its output
//          "i". A region becomes one kernel; what the body computes between its inputs and outputs is never stored.

/// Several nodes that run as one kernel: a graph of its own, whose inputs are the region's operands.
///
/// The body holds sources without identity (constants, `iota`, `dimension_size`) and ordinary ops, but no
/// parameters, no updates and no further regions. Its name says what was fused, e.g. `matmul+bias+gelu`.
public struct Region: Hashable, Sendable {
    /// What the region computes: input `"0"` is the node's first operand, output `"0"` its first result.
    public let body: Graph

    package init(body: Graph) { self.body = body }

    /// What the region is made of, such as `matmul+bias+gelu`.
    public var name: String { body.name }

    /// The operand types that the body was made for.
    package var operandTypes: [TensorType] {
        body.inputs.map { body[$0].types[0] }
    }

    /// The name of operand or result `index` within the body.
    package static func portName(_ index: Int) -> String { "\(index)" }
}

extension Region: OpFamily {
    /// The parser reads a region's body along with it.
    static let spellings: [any OpSpelling] = []

    var text: OpText { ("fusion", [("name", .string(name))]) }

    func types(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        let expected = operandTypes
        try expect(operands, expected.count...expected.count)
        guard operands == expected else { throw .type("the region takes \(expected), got \(operands)") }
        return body.outputs.map { body.type(of: $0.value) }
    }

    func gradients(_ rule: VJP) throws(IRError) -> [Tensor?] { throw noGradient() }

    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration {
        Iteration(.opaque, over: results)
    }

    /// What a region's nodes are is asked of its body.
    var traits: OpTraits {
        OpTraits(
            results: body.outputs.count, merges: true, folding: .small, isElementWise: false,
            byAddress: 0..<0,
            lowPrecision: 0..<0, integers: [], work: .none, word: nil, dropoutStream: nil)
    }
}

extension Graph {
    /// V7: the body of region `id` is a graph in which inputs and outputs are numbered in order.
    func verifyRegion(_ region: Region, at id: NodeID) throws(IRError) {
        let body = region.body
        func fail(_ what: String) -> IRError {
            IRError("V7", "in region \"\(body.name)\": \(what)", at: place(id))
        }
        do throws(IRError) {
            try body.verify()
        } catch {
            throw fail("\(error.message) at \(error.place)")
        }
        var inputs = 0
        for node in body.nodes {
            if case .fusion = node.op { throw fail("a body holds no regions") }
            guard case .source(let source) = node.op else { continue }
            switch source {
            case .input(let name, _):
                guard name == Region.portName(inputs) else {
                    throw fail("input \"\(name)\" should be \"\(inputs)\"")
                }
                inputs += 1
            case .parameter: throw fail("a body holds no parameters")
            case .constant, .iota, .dimensionSize: break
            }
        }
        guard body.updates.isEmpty else { throw fail("a body has no updates") }
        for (index, output) in body.outputs.enumerated() where output.name != Region.portName(index) {
            throw fail("output \"\(output.name)\" should be \"\(index)\"")
        }
    }
}
