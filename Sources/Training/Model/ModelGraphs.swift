import Encoders
import GraphCompiler

/// The graphs of a run, built once: the model that is trained and the one that is evaluated.
package struct ModelGraphs {
    package let config: EncoderConfig
    package let head: EncoderHead
    /// Learns the attention mask.
    package let gates: AttentionGates?
    /// The low-rank adapter that is trained in the place of the other parameters.
    package let adapter: AdapterPlan?
    /// The parameters of both graphs, in their order.
    package let specs: [ParameterSpec]
    /// Those that a run changes and saves.
    package let savedSpecs: [ParameterSpec]
    /// Names of the parameters that are kept in bf16.
    let storedInBF16: Set<String>
    /// The outputs that add up to the training loss.
    let lossTerms: [String]
    /// With labels and dropout.
    let training: Graph
    /// Without.
    let evaluation: Graph
    /// The loss of vectors or scores alone; `nil` where the head has it.
    let valueLoss: Graph?

    /// - Parameters:
    ///   - gates: learn an attention mask.
    ///   - adapter: train a low-rank adapter.
    ///   - labelSmoothing: that of the training loss.
    ///   - isWeighted: whether rows of the training loss have weights.
    ///   - distillation: what is learned from a teacher.
    package init(
        config: EncoderConfig, head: EncoderHead, gates: AttentionGates? = nil, adapter: LoRAConfig? = nil,
        labelSmoothing: Double = 0, isWeighted: Bool = false, distillation: Distillation? = nil
    ) throws {
        try self.init(
            config: config, head: head, gates: gates, adapter: adapter, labelSmoothing: labelSmoothing,
            isWeighted: isWeighted, distillation: distillation, sentences: nil, ranking: nil)
    }

    /// - Parameters:
    ///   - sentences: the modules behind a plain encoder, and the loss of their vectors.
    ///   - ranking: the loss of the scores of a regression head.
    ///   - frozenWeights: how matrices and tables that are not trained are kept.
    init(
        config: EncoderConfig, head: EncoderHead, gates: AttentionGates?, adapter: LoRAConfig?,
        labelSmoothing: Double, isWeighted: Bool, distillation: Distillation?, sentences: SentenceTraining?,
        ranking: RankingLoss?, frozenWeights: FrozenWeights = .f32
    ) throws {
        self.config = config
        self.head = head
        self.gates = gates
        var graph = EncoderGraph(
            config: config, head: head, isTraining: true, labelSmoothing: labelSmoothing, gates: gates,
            adapter: adapter)
        (graph.isWeighted, graph.distillation, graph.rankingLoss) = (isWeighted, distillation, ranking)
        lossTerms = distillation?.lossTerms ?? head.lossTerms
        var evaluation = EncoderGraph(
            config: config, head: head, isTraining: false, gates: gates, adapter: adapter)
        if let sentences {
            graph.modules = sentences.layout.modules
            graph.sentenceLoss = sentences.loss
            evaluation.modules = sentences.layout.modules
        }
        let built = try graph.build()
        (specs, self.adapter) = (built.parameters, graph.adapterPlan)
        savedSpecs = graph.trainedParameters(of: built)
        let trained = Set(savedSpecs.map(\.name))
        let stored =
            frozenWeights == .bf16 ? specs.filter { $0.shape.count > 1 && !trained.contains($0.name) } : []
        let names = Set(stored.map(\.name))
        storedInBF16 = names
        func storing(_ graph: Graph) throws -> Graph {
            names.isEmpty ? graph : try graph.storingParameters(as: .bf16) { name, _ in names.contains(name) }
        }
        training = try storing(built.graph)
        self.evaluation = try storing(evaluation.build().graph)
        valueLoss =
            try sentences.map { try $0.loss.graph(width: $0.layout.width) } ?? ranking.map { try $0.graph() }
    }
}
