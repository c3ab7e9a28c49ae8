import GraphIR

/// What a program's symbols must be: each has a value, and the values make sizes.
struct SymbolCheck {
    let names: [String]
    /// Types of values whose shapes depend on symbols.
    private let types: Set<TensorType>

    init(_ graph: Graph) {
        names = graph.symbols
        types = Set(graph.nodes.flatMap(\.types).filter { $0.extents([:]) == nil })
    }

    /// - Parameter missing: what is wrong with a symbol that has no value.
    func check(_ symbols: [String: Int], missing: String) throws(ExecutionError) {
        if let name = names.first(where: { symbols[$0] == nil }) {
            throw ExecutionError(missing, at: "symbol '\(name)'")
        }
        for type in types {
            do throws(IRError) { try type.check(symbols) } catch {
                let values = Set(type.shape.compactMap(\.symbol)).sorted().map {
                    "\($0) = \(symbols[$0] ?? 0)"
                }
                throw ExecutionError(error.message, at: "symbols " + values.joined(separator: ", "))
            }
        }
    }

    /// Checks shapes for which memory is planned.
    func check(_ shapes: [[String: Int]]) throws(ExecutionError) {
        for symbols in shapes { try check(symbols, missing: "the shape \(symbols) has no value for it") }
    }
}
