import Measuring

/// What was measured for a technique.
struct BenchRow {
    let technique: Technique
    let off: Side
    let on: Side

    /// A side over all its turns.
    struct Side {
        /// How long each turn took.
        let seconds: Samples
        /// Tokens in a turn.
        let realTokens: Int
        let paddedTokens: Int
        /// Mean over the examples of all turns; `nil` for attention alone.
        let loss: Double?
        let planned: Int
        let activations: Int
        let measured: Int

        /// - Precondition: at least one turn.
        init(_ turns: [BenchSide.Turn], seconds: Samples) {
            let last = turns[turns.count - 1]
            self.seconds = seconds
            (realTokens, paddedTokens) = (last.realTokens, last.paddedTokens)
            let losses = turns.compactMap(\.loss)
            loss = losses.isEmpty ? nil : losses.reduce(0, +) / Double(losses.count)
            (planned, activations, measured) = (last.planned, last.activations, last.peak)
        }
    }

    var speedUp: Double { off.seconds.median / on.seconds.median }

    /// How much less memory is held with the technique, as a share of what is held without.
    func reduction(_ bytes: KeyPath<Side, Int>) -> Double {
        1 - Double(on[keyPath: bytes]) / Double(off[keyPath: bytes])
    }

    /// With the technique less without.
    var lossDifference: Double? { off.loss.flatMap { off in on.loss.map { $0 - off } } }

    /// Measures a technique: both sides in processes of their own, in turn.
    ///
    /// - Throws: `CommandError` when a side fails.
    init(_ technique: Technique, _ plan: BenchPlan) throws {
        let on = try BenchProcess(plan.side(technique, technique.on), name: "\(technique.name), on")
        let off = try BenchProcess(plan.side(technique, technique.off), name: "\(technique.name), off")
        let result = try Interleaving(rounds: plan.repeats, repeats: 1).run(on, off)
        self.technique = technique
        self.on = Side(on.turns, seconds: result.0)
        self.off = Side(off.turns, seconds: result.1)
    }
}
