import GraphIR

/// Passes in the order in which they run: one linear list, nothing hidden.
///
/// The graph is verified on entry and after every pass that changed it; an error says after which pass.
public struct PassPipeline: Sendable {
    package let passes: [Pass]

    package init(_ passes: [Pass]) { self.passes = passes }

    /// What every graph goes through before lowering, in f32.
    ///
    /// Simplification runs again after folding, because a folded operand is what many of its rules look for, and dead
    /// code is removed again after attention, which leaves limits and scales behind.
    package static let standard = standard(rules: [], keeping: [])

    /// The same with a client's own rules and kernels.
    ///
    /// - Parameters:
    ///   - rules: run first, on the graph as it was built; see `Pass.userRules`.
    ///   - kept: custom ops that are not decomposed.
    ///   - precision: of products and attention.
    ///   - quantization: with `int8`, which weights are quantised, and how.
    ///   - recompute: what a training step computes again; it comes last, when kernels are cut.
    package static func standard(
        rules: [RewriteRule], keeping kept: Set<CustomOpDefinition>, precision: Precision = .fp32,
        quantization: Quantization = Quantization(), recompute: Recompute = .none
    ) -> PassPipeline {
        let userPasses = rules.isEmpty ? [] : [Pass.userRules(rules)]
        let lowPrecision: [Pass] =
            switch precision {
            case .int8: [.quantize(quantization), .deadCode]
            case .fp32, .bf16x3, .bf16x6: []
            case .bf16, .fp16:
                [.mixedPrecision(precision.element), .simplify, .commonSubexpressions, .deadCode]
            }
        return PassPipeline(
            userPasses + [
                .decomposeCustom(keeping: kept),
                .simplify,
                .constantFolding,
                .simplify,
                .commonSubexpressions,
                .deadCode,
                .recognize,
                .attention,
                .deadCode,
            ] + lowPrecision + [.repeatOperands, .coalesce, .deadCode, .fusion]
                + (recompute.groupSize == nil ? [] : [.recompute(recompute)]))
    }

    /// The passes that make regions, or rewrite for them; without these every node is a kernel of its own.
    package static let fusionPasses: Set<String> = ["attention", "coalesce", "fusion"]

    /// Which passes run, and who hears of what they decide.
    public struct Options: Sendable {
        /// Passes to leave out, wherever they stand in the list.
        public var disabled: Set<String>
        /// The pass after whose first run the pipeline stops.
        public var stopAfter: String?
        /// What passes ask and tell.
        public var context: PassContext

        /// All passes of the pipeline, but for what is given.
        public init(
            disabled: Set<String> = [], stopAfter: String? = nil, context: PassContext = PassContext()
        ) {
            self.disabled = disabled
            self.stopAfter = stopAfter
            self.context = context
        }
    }

    /// The names that `Options` may use, in the order of the pipeline, each once.
    public var names: [String] {
        var names: [String] = []
        for pass in passes where !names.contains(pass.name) { names.append(pass.name) }
        return names
    }

    /// Runs the passes on `graph`. When this throws, `graph` is as the failing pass left it.
    package func run(on graph: inout Graph, options: Options = Options()) throws(IRError) {
        var records: [PassRecord] = []
        try run(on: &graph, options: options, records: &records)
    }

    /// Runs the passes on `graph` and appends what each did to `records`, also when a later one throws.
    package func run(
        on graph: inout Graph, options: Options = Options(), records: inout [PassRecord]
    ) throws(IRError) {
        try check(options)
        try located("before the first pass") { () throws(IRError) in try graph.verify() }
        let clock = ContinuousClock()
        for pass in passes {
            if !options.disabled.contains(pass.name) {
                let start = clock.now
                let changed = try located("in \(pass.name)") { () throws(IRError) in
                    try pass.run(&graph, options.context)
                }
                let seconds = (clock.now - start) / .seconds(1)
                if changed { try located("after \(pass.name)") { () throws(IRError) in try graph.verify() } }
                records.append(PassRecord(name: pass.name, graph: graph, seconds: seconds, changed: changed))
            }
            if pass.name == options.stopAfter { return }
        }
    }

    private func check(_ options: Options) throws(IRError) {
        let asked = options.disabled.sorted() + [options.stopAfter].compactMap { $0 }
        if let unknown = asked.first(where: { !names.contains($0) }) {
            throw IRError(
                "pass", "there is no pass \"\(unknown)\"; the passes are \(names.joined(separator: ", "))")
        }
    }

    /// Puts the stage in front of an error's place: `after simplify: %12 = matmul "encoder"`.
    private func located<Result>(
        _ stage: String, _ body: () throws(IRError) -> Result
    ) throws(IRError) -> Result {
        do throws(IRError) {
            return try body()
        } catch {
            var located = error
            located.place = error.place.isEmpty ? stage : "\(stage): \(error.place)"
            throw located
        }
    }
}
