import ArgumentParser
import GraphCompiler

/// The extents that costs and memory are counted for.
struct SymbolOptions: ParsableArguments {
    @Option(help: "Sequences in the batch that FLOPs, bytes and memory are counted for; 8 by default.")
    var batch: Int?

    @Option(
        help: "Tokens of each of its sequences; 128 by default. With --bisect a batch is 2 x 6 by default.")
    var length: Int?

    @Option(
        parsing: .unconditionalSingleValue,
        help: "The value of another symbol of a graph file, as name=value; may be given several times.")
    var symbol: [String] = []

    func validate() throws {
        for case (let name, let value?) in [("--batch", batch), ("--length", length)]
        where !(1...1_000_000).contains(value) {
            throw ValidationError("\(name) is \(value); expected 1 to 1000000")
        }
        let (batch, length) = extents(isSmall: false)
        guard batch * length <= Int(Int32.max) else {
            throw ValidationError(
                "--batch times --length is \(batch * length); expected at most \(Int32.max)")
        }
        _ = try given()
    }

    private func extents(isSmall: Bool) -> (batch: Int, length: Int) {
        (batch ?? (isSmall ? 2 : 8), length ?? (isSmall ? 6 : 128))
    }

    /// Values for the graph's symbols: those of a BERT follow from batch and length, with 15 % of the tokens
    /// masked, or all of them labelled, and at most four choices for each example. `model` names the graph in errors, and `isSmall` chooses the defaults.
    ///
    /// - Throws: when a tensor would be larger than any machine holds, whose size would not fit into integers either.
    func values(for graph: Graph, of model: String, isSmall: Bool) throws -> [String: Int] {
        let (batch, length) = extents(isSmall: isSmall)
        let tokens = batch * length
        var values = [
            "sequences": batch, "tokens": tokens, "length": length, "masked": max(1, tokens * 15 / 100),
            "labelled": tokens, "examples": (batch + 3) / 4, "choices": min(4, batch),
        ]
        values.merge(try given()) { $1 }
        values = values.filter { graph.symbols.contains($0.key) }
        try checkSizes(of: graph, values, model)
        return values
    }

    /// Refuses a graph with a symbol that has no value.
    func requireAll(_ values: [String: Int], for graph: Graph, of model: String) throws {
        if let missing = graph.symbols.first(where: { values[$0] == nil }) {
            throw CommandError(
                .usage,
                "\(model): the graph has a symbol '\(missing)'; give its value with --symbol \(missing)=1")
        }
    }

    private func checkSizes(of graph: Graph, _ symbols: [String: Int], _ model: String) throws {
        let limit = 1 << 36
        for id in graph.nodeIDs {
            for type in graph[id].types {
                let isTooLarge = (type.extents(symbols) ?? []).reduce((1, false)) { product, extent in
                    let (next, overflow) = product.0.multipliedReportingOverflow(by: extent)
                    return (next, product.1 || overflow || next > limit)
                }.1
                guard isTooLarge else { continue }
                throw CommandError(
                    .badData,
                    "\(model): \(graph.place(id)): \(type) has more than \(limit) elements; "
                        + "choose smaller sizes, --batch or --length")
            }
        }
    }

    private func given() throws -> [String: Int] {
        var values: [String: Int] = [:]
        for item in symbol {
            let parts = item.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, let value = Int(parts[1]),
                (0...Int(Int32.max)).contains(value)
            else { throw ValidationError("--symbol is '\(item)'; expected name=value such as tokens=1024") }
            values[String(parts[0])] = value
        }
        return values
    }
}
