import Encoders
import GraphCompiler

extension EncoderConfig {
    /// The masks as files beside a saved model, by name: `attention_mask.txt`, or `attention_mask.N.txt` of layer N.
    var maskFiles: [(name: String, text: String)] {
        attentionMasks.enumerated().compactMap { layer, mask in
            mask.fileText.map {
                (attentionMasks.count == 1 ? "attention_mask.txt" : "attention_mask.\(layer).txt", $0)
            }
        }
    }
}

/// The gates of a run that learns an attention mask, seen from outside the graph: their noise, and the mask that they
/// stand for.
///
/// Masks are read from, and written to, the parameters of the given names: a run may average them.
package struct MaskSearch {
    package let gates: AttentionGates
    private let heads: Int
    /// The parameters with the logits.
    private let names: [String]
    /// Pairs of positions that each gate of a head stands for.
    private let pairs: [Int]

    package init(_ gates: AttentionGates, of config: EncoderConfig) {
        self.gates = gates
        heads = config.heads
        names = gates.names(layers: config.layers)
        var pairs = [Int](repeating: 0, count: gates.count)
        for i in 0..<gates.length {
            for j in 0..<gates.length { pairs[gates.gate(query: i, key: j)] += 1 }
        }
        self.pairs = pairs
    }

    /// The inputs of a training step, f32[heads, gates] for each parameter.
    ///
    /// - Parameter step: counted from 0.
    package func noise(seed: Int, step: Int) throws -> [String: TensorData] {
        let inputs = try names.enumerated().map { set, name in
            let values = GateNoise.values(
                rows: heads, gates: gates.count, firstRow: set * heads, seed: seed, step: step)
            return (AttentionGates.noiseName(name), try TensorData(values, shape: [heads, gates.count]))
        }
        return Dictionary(uniqueKeysWithValues: inputs)
    }

    /// The share of pairs that the deterministic masks leave out, over [heads, n, n] of all of them; 0 to 1.
    package func sparsity(
        in parameters: ParameterStore, named actual: (String) -> String = { $0 }
    ) -> Double {
        let shut = names.reduce(0) { sum, name in
            let open = openGates(actual(name), in: parameters)
            return sum + open.indices.reduce(0) { $0 + (open[$1] ? 0 : pairs[$1 % gates.count]) }
        }
        return Double(shut) / Double(names.count * heads * gates.length * gates.length)
    }

    /// The deterministic masks: one for all layers, or one per layer.
    package func masks(
        in parameters: ParameterStore, named actual: (String) -> String = { $0 }
    ) -> [AttentionMask] {
        names.map { name in
            let open = openGates(actual(name), in: parameters)
            return AttentionMask(
                heads: (0..<heads).map { head in
                    var bits = MaskBits(size: gates.length)
                    for i in 0..<gates.length {
                        for j in 0..<gates.length {
                            bits[i, j] = open[head * gates.count + gates.gate(query: i, key: j)]
                        }
                    }
                    return .bits(bits)
                })
        }
    }

    /// Sets logits that stand for the given masks: α₀ is 1 where a pair is kept, everything else 0.
    package func set(
        _ masks: [AttentionMask], in parameters: ParameterStore, named actual: (String) -> String = { $0 }
    ) {
        for (name, mask) in zip(names, masks) {
            parameters.set(actual(name)) { logits in
                for head in 0..<heads {
                    for i in 0..<gates.length {
                        for j in 0...i {
                            let gate = head * gates.count + gates.gate(query: i, key: j)
                            logits[2 * gate] = mask.keeps(query: i, key: j, head: head) ? 1 : 0
                            logits[2 * gate + 1] = 0
                        }
                    }
                }
            }
        }
    }

    /// Whether each gate is open without noise, [heads, gates].
    private func openGates(_ name: String, in parameters: ParameterStore) -> [Bool] {
        let open = parameters.withBytes(name) { bytes in
            let logits = bytes.bindMemory(to: Float.self)
            return (0..<heads * gates.count).map { logits[2 * $0] > logits[2 * $0 + 1] }
        }
        return open ?? [Bool](repeating: false, count: heads * gates.count)
    }
}
