import GraphIR
import Support

/// Low-rank adapters over one base, of which each sequence of a batch uses one or none. The base's weights are those of its files.
///
/// A layer has the A of all adapters one below the other, [ranks, inputs], their B side by side, [outputs, ranks], and a row of
/// scales for each adapter, [adapters + 1, ranks]: its own where the columns are its own, else 0; row 0 is the base's. What is
/// added to the layer's output is ((x Aᵀ) ⊙ scales of the row's adapter) Bᵀ. Columns of other adapters add products with 0, so that
/// a sequence has the same bits whatever its neighbours use.
package struct AdapterStack: Sendable {
    /// The adapters in the order of their numbers, from 1 on.
    let adapters: [AdapterCheckpoint]

    /// - Throws: `ConfigError` for an adapter with weights that replace the base's.
    package init(_ adapters: [AdapterCheckpoint]) throws {
        self.adapters = adapters
        for adapter in adapters where !adapter.savedTensors.isEmpty {
            let names = adapter.savedTensors.keys.map(\.text).sorted()
            throw ConfigError(
                file: adapter.directory.path,
                problem:
                    "has weights of its own beside A and B (\(Formatted.list(names))); adapters that share a base have none: "
                    + "give it as a model of its own")
        }
    }

    /// Columns of all adapters of a layer; 0 when none is for it.
    func rank(of layer: String) -> Int { adapters.reduce(0) { $0 + $1.rank(of: layer) } }

    // MARK: Parameters

    private static let (input, output, scales) = (".adapters.A", ".adapters.B", ".adapters.scales")

    /// The parameters of a layer, as `values(of:)` has them.
    func parameters(
        of layer: String, _ sizes: (inputs: Int, outputs: Int), _ part: ParameterSpec.Part
    ) -> (input: ParameterSpec, scales: ParameterSpec, output: ParameterSpec) {
        let rank = rank(of: layer)
        func spec(_ name: String, _ shape: [Int], _ role: ParameterSpec.Role) -> ParameterSpec {
            ParameterSpec(layer + name, shape, role: role, part: part)
        }
        return (
            spec(Self.input, [rank, sizes.inputs], .adapterInput),
            spec(Self.scales, [adapters.count + 1, rank], .adapterInput),
            spec(Self.output, [sizes.outputs, rank], .adapterOutput)
        )
    }

    /// The values of one of them, row-major.
    package func values(of spec: ParameterSpec) throws -> [Float] {
        func layer(_ end: String) -> String? {
            spec.name.hasSuffix(end) ? String(spec.name.dropLast(end.count)) : nil
        }
        var values = [Float](repeating: 0, count: spec.count)
        let columns = spec.shape[1]
        var column = 0
        if let layer = layer(Self.input) {
            values = try adapters.flatMap { try $0.blocks(of: layer).flatMap(\.input) }
        } else if let layer = layer(Self.scales) {
            for (index, adapter) in adapters.enumerated() {
                for block in try adapter.blocks(of: layer) {
                    for place in column..<(column + block.rank) {
                        values[(index + 1) * columns + place] = Float(block.scale)
                    }
                    column += block.rank
                }
            }
        } else if let layer = layer(Self.output) {
            for block in try adapters.flatMap({ try $0.blocks(of: layer) }) {
                let rows = block.outputs.rows(of: [spec.shape[0]])
                try check(block.output.count == rows.count * block.rank, layer)
                for row in 0..<rows.count {
                    let target = (rows.lowerBound + row) * columns + column
                    for index in 0..<block.rank {
                        values[target + index] = block.output[row * block.rank + index]
                    }
                }
                column += block.rank
            }
        }
        try check(values.count == spec.count, spec.name)
        return values
    }

    private func check(_ fits: Bool, _ layer: String) throws {
        guard fits else {
            throw ConfigError(
                file: adapters[0].directory.path,
                problem:
                    "or another adapter has matrices of other sizes than the layer of '\(layer)'; choose the base that it was "
                    + "trained on")
        }
    }

    /// Refuses an adapter none of whose matrices is for a layer of the model; names of others are returned.
    package func unused(by parameters: [String]) throws -> [String] {
        try adapters.flatMap { try $0.unused(by: parameters) }
    }
}

/// Writes what the adapters of a stack add to linear layers.
final class AdapterStackWriter {
    private let stack: AdapterStack
    /// The adapter of each sequence.
    private let sequences: Tensor
    /// The adapter of each token.
    private let tokens: Tensor
    private var strange: String?

    init(_ stack: AdapterStack, _ g: GraphBuilder, offsets: Tensor, lengths: Tensor) {
        self.stack = stack
        sequences = g.input("adapters", .i32, ["sequences"])
        tokens = sequences.segmentBroadcast(tokens: "tokens", offsets: offsets, lengths: lengths)
    }

    /// What the adapters give for a layer's input; nil when none is for it.
    func addend(
        _ x: Tensor, _ layer: String, _ sizes: (inputs: Int, outputs: Int), _ part: ParameterSpec.Part,
        _ builder: EncoderBuilder
    ) -> Tensor? {
        guard stack.rank(of: layer) > 0 else { return nil }
        guard x.shape[0] == "tokens" || x.shape[0] == "sequences" else {
            strange = layer
            return nil
        }
        let specs = stack.parameters(of: layer, sizes, part)
        return builder.g.scope("adapters") {
            let scales = builder.parameter(specs.scales).gather(x.shape[0] == "tokens" ? tokens : sequences)
            let inner = x.matmul(builder.parameter(specs.input), transposeRight: true) * scales
            return inner.matmul(builder.parameter(specs.output), transposeRight: true)
        }
    }

    /// Refuses adapters of layers that do not read the states of tokens or sequences.
    func check() throws {
        guard let strange else { return }
        throw ConfigError(
            file: stack.adapters[0].directory.path,
            problem:
                "or another adapter is for '\(strange)' of the model's head, which adapters that share a base cannot change; give "
                + "it as a model of its own")
    }
}
