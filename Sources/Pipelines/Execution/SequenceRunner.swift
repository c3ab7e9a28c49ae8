import GraphCompiler
import Text

/// Runs a graph without labels over any number of sequences, in batches of its own making.
package struct SequenceRunner {
    let executor: Executor
    /// Tokens of a sequence at most.
    let maxLength: Int
    /// Tokens in a batch; a longer sequence is a batch of its own.
    let batchTokens: Int
    /// The token that takes no position (`BatchingOptions`).
    let uncountedID: Int32?
    /// What an error adds about numbers that are not finite.
    let advice: String
    /// Whether the graph has an adapter for each sequence.
    let hasAdapters: Bool
    /// The adapter of each sequence, where any has one.
    var adapters: [Int32] = []
    /// The processes that share the batches, each of which has all results; one runs all of them when `nil`.
    let group: ProcessGroup?

    package init(
        executor: Executor, maxLength: Int, batchTokens: Int, uncountedID: Int32?, advice: String = "",
        hasAdapters: Bool = false, group: ProcessGroup? = nil
    ) {
        self.executor = executor
        self.group = group
        self.maxLength = maxLength
        self.batchTokens = batchTokens
        self.uncountedID = uncountedID
        self.advice = advice
        self.hasAdapters = hasAdapters
    }

    /// One row of an output for each sequence, in the order of the sequences.
    ///
    /// - Throws: `ExecutionError`, naming the node when the output is not finite.
    package func rows(of output: String, on encodings: [Encoding]) throws -> [[Float]] {
        try rows(of: output, on: encodings) { _, row in Array(row) }
    }

    /// What `body` makes of the row of each sequence: rows of very many labels need not be held all at once.
    ///
    /// - Parameter body: given the sequence's index and its row.
    /// - Throws: as `rows(of:on:)`.
    package func rows<Result>(
        of output: String, on encodings: [Encoding], _ body: (Int, ArraySlice<Float>) -> Result
    ) throws -> [Result] {
        var results = [Result?](repeating: nil, count: encodings.count)
        try run(output, on: encodings) { batch, values in
            let width = values.count / batch.sequences
            for (row, index) in batch.exampleIndices.enumerated() {
                results[index] = body(index, values[(row * width)..<((row + 1) * width)])
            }
        }
        return results.compactMap(\.self)
    }

    /// The rows of an output that has one for each token, for some tokens of each sequence.
    ///
    /// - Parameter positions: the tokens of each sequence, counted from its first.
    /// - Throws: as `rows(of:on:)`.
    package func tokenRows(
        of output: String, on encodings: [Encoding], at positions: [[Int32]]
    ) throws -> [[[Float]]] {
        try tokenRows(of: output, on: encodings, at: positions) { _, _, row in Array(row) }
    }

    /// What `body` makes of each of these rows.
    ///
    /// - Parameter body: given the sequence's index, the position's and its row.
    /// - Throws: as `rows(of:on:)`.
    package func tokenRows<Result>(
        of output: String, on encodings: [Encoding], at positions: [[Int32]],
        _ body: (Int, Int, ArraySlice<Float>) -> Result
    ) throws -> [[Result]] {
        var results = [[Result]](repeating: [], count: encodings.count)
        try run(output, on: encodings) { batch, values in
            let width = values.count / batch.tokens
            for (offset, index) in zip(batch.offsets, batch.exampleIndices) {
                results[index] = positions[index].enumerated().map { place, position in
                    let start = Int(offset + position) * width
                    return body(index, place, values[start..<(start + width)])
                }
            }
        }
        return results
    }

    /// What `body` makes of each sequence's rows of an output that has one for each token, in the order of the sequences.
    ///
    /// - Parameter body: given the sequence's index and the rows of its tokens.
    /// - Throws: as `rows(of:on:)`.
    package func tokenOutputs<Result>(
        of output: String, on encodings: [Encoding], _ body: (Int, ArraySlice<Float>) -> Result
    ) throws -> [Result] {
        var results = [Result?](repeating: nil, count: encodings.count)
        try run(output, on: encodings) { batch, values in
            let width = values.count / batch.tokens
            for (offset, index) in zip(batch.offsets, batch.exampleIndices) {
                let start = Int(offset) * width
                results[index] = body(index, values[start..<(start + encodings[index].count * width)])
            }
        }
        return results.compactMap(\.self)
    }

    /// The rows of an output that has one for each masked token of a batch, of the masked tokens of each sequence.
    ///
    /// - Parameter positions: the masked tokens of each sequence, counted from its first; at least one.
    /// - Throws: as `rows(of:on:)`.
    package func maskedRows<Result>(
        of output: String, on encodings: [Encoding], at positions: [[Int32]],
        _ body: (Int, ArraySlice<Float>) -> Result
    ) throws -> [[Result]] {
        var results = [[Result]](repeating: [], count: encodings.count)
        func masked(_ batch: Batch) -> [Int32] {
            zip(batch.offsets, batch.exampleIndices).flatMap { offset, index in
                positions[index].map { offset + $0 }
            }
        }
        let positionsOf = { (batch: Batch) in ["masked_positions": TensorData(masked(batch))] }
        try run(output, on: encodings, positionsOf) { batch, values in
            let width = values.count / max(1, masked(batch).count)
            var start = 0
            for index in batch.exampleIndices {
                results[index] = positions[index].map { _ in
                    defer { start += width }
                    return body(index, values[start..<(start + width)])
                }
            }
        }
        return results
    }

    /// Gives `body` each batch with the output's elements.
    /// - Parameter others: inputs of a batch beside its sequences.
    private func run(
        _ output: String, on encodings: [Encoding], _ others: (Batch) -> [String: TensorData] = { _ in [:] },
        _ body: (Batch, [Float]) throws -> Void
    ) throws {
        guard !encodings.isEmpty else { return }
        let options = BatchingOptions(maxLength: maxLength, uncountedID: uncountedID, shuffle: false)
        let batcher = try Batcher(encodings, options: options)
        let batches = Self.batches(of: encodings, tokens: batchTokens)
        func compute(_ batch: Batch) throws -> [Float] {
            let inputs = EncoderInputs(batch)
            var tensors = inputs.tensors.merging(others(batch)) { $1 }
            if hasAdapters {
                let numbers = adapters
                tensors["adapters"] = TensorData(
                    batch.exampleIndices.map { numbers.isEmpty ? 0 : numbers[$0] })
            }
            do {
                let outputs = try executor.run(
                    tensors, symbols: inputs.symbols, guarding: [output], returning: [output])
                return try outputs[output]?.floats ?? []
            } catch let error as ExecutionError where !advice.isEmpty {
                throw ExecutionError("\(error.message); \(advice)", at: error.place)
            }
        }
        try ProcessGroup.share(batches.count, in: group) { index in
            try compute(batcher.layOut(batches[index]))
        } _: { index, values in
            try body(batcher.layOut(batches[index]), values)
        }
    }

    /// The extents of the batches of these sequences.
    package static func shapes(of encodings: [Encoding], batchTokens: Int) -> [BatchShape] {
        batches(of: encodings, tokens: batchTokens).map { batch in
            BatchShape(
                sequences: batch.count, tokens: batch.reduce(0) { $0 + encodings[$1].count },
                maxLength: batch.reduce(0) { max($0, encodings[$1].count) })
        }
    }

    /// Sequences of like length together, so that attention, whose memory is the longest sequence's, wastes little.
    private static func batches(of encodings: [Encoding], tokens batchTokens: Int) -> [[Int]] {
        let order = encodings.indices.sorted { (encodings[$0].count, $0) < (encodings[$1].count, $1) }
        var batches: [[Int]] = []
        var tokens = 0
        for index in order {
            tokens += encodings[index].count
            if batches.isEmpty || tokens > batchTokens {
                batches.append([])
                tokens = encodings[index].count
            }
            batches[batches.count - 1].append(index)
        }
        return batches
    }
}
