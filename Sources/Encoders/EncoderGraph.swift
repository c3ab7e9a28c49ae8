import GraphIR
import Support

/// An encoder as a graph over packed sequences. Its parameters have the names of HF Transformers' BERT, whatever the family.
/// With `norm_position: pre` each block normalises its input and the encoder ends in one more LayerNorm
/// (Xiong et al., arXiv:2002.04745), named `encoder.LayerNorm`.
///
/// Inputs: `input_ids`, `position_ids` and, where the family has token types, `token_type_ids`, i32[tokens]; `offsets`
/// i32[sequences+1] and `lengths` i32[sequences] (see `ragged_matmul`); symbol `length`, at least the longest sequence,
/// unless the configuration has an attention mask, with which attention is `flash_attention` from the start. For training
/// also `rng` i64[2] when a dropout rate is positive, and `labels`: i32[sequences] for classification, f32[sequences] for
/// regression, f32[sequences, labels] of zeros and ones for several labels, i32[labelled] with `labelled_positions` i32[labelled] for classification of tokens, f32[labelled] with
/// `labelled_positions` for the discriminator (1 for a token that was replaced), i32[masked] with `masked_positions`
/// i32[masked] for masked LM, i32[sequences] for next sentences (0 for a text that follows, 1 for a random one), which are
/// `next_sentence_labels` beside those of masked LM in pre-training. For multiple choice examples are consecutive sequences:
/// `example_offsets` i32[examples+1] says where they start, `labels` i32[examples] which of their sequences is right, and the
/// symbol `choices` is at least the most of an example. For question answering `start_positions` and `end_positions`
/// i32[sequences] are tokens of each sequence, counted from its first.
///
/// With `gates` attention is `flash_attention` with a bias, training has an input of noise for each parameter of gates,
/// and the loss counts the open pairs (`AttentionGates`).
///
/// Outputs: `hidden` [tokens, hidden] and `pooled` [sequences, width], what `modules` make of it (encoder), or `logits`
/// ([tokens, labels] for classification of tokens, [tokens, 2] of starts and ends for question answering, [tokens] for the
/// discriminator, [sequences, labels] for classifiers of sequences, [sequences, 1] for multiple choice; and
/// `next_sentence_logits` [sequences, 2]), and with labels `loss` f32[], the mean over sequences or examples, or over labelled or masked
/// positions; of pre-training the sum of both, which are `masked_lm_loss` and `next_sentence_loss`.
public struct EncoderGraph: Sendable {
    /// The model's sizes, family and dropout rates.
    public let config: EncoderConfig
    /// What stands on the encoder, and so which inputs and outputs the graph has.
    public let head: EncoderHead
    /// Whether the graph is one to differentiate: with labels, a loss and dropout.
    public let isTraining: Bool
    /// Whether the graph computes the loss; training implies it.
    public let hasLabels: Bool
    /// The share of the loss that goes to all classes alike; see `Tensor.crossEntropy`.
    public let labelSmoothing: Double
    /// Learns the attention mask; the configuration then has none of its own.
    public let gates: AttentionGates?
    /// A low-rank adapter beside the linear layers; its parameters are those of the roles `adapterInput` and `adapterOutput`.
    public let adapter: LoRAConfig?
    /// Adapters of which each sequence uses one: the input `adapters` i32[sequences] says which, 0 for none.
    package var stack: AdapterStack?
    /// Whether rows of the loss of a classifier or a regression have weights, the input `example_weights` f32 of the labels' extent:
    /// the loss is the mean with these weights.
    package var isWeighted = false
    /// What a classifier or a regression learns from a teacher, whose logits and states are inputs of the graph.
    package var distillation: Distillation?
    /// Layers, counted from 0, whose states are outputs `states.N`, [tokens, width].
    package var stateOutputs: [Int] = []
    /// What makes a plain encoder's token states one vector per sequence; the configuration's pooling unless set.
    package var modules: [SentenceModule]
    /// What the vectors of a plain encoder are trained to be; without it training has no loss.
    package var sentenceLoss: SentenceLoss?
    /// What the scores of a regression head are trained to be; mean squared error when nil.
    package var rankingLoss: RankingLoss?
    /// Tokens of a prompt before each text, for modules that leave them out.
    package var promptLength = 0

    /// Describes a graph; `build` writes it.
    ///
    /// - Parameters:
    ///   - config: the model's sizes, family and dropout rates.
    ///   - head: what stands on the encoder.
    ///   - isTraining: whether the graph has dropout.
    ///   - hasLabels: whether it has labels as inputs and a loss; as `isTraining` says when nil.
    ///   - labelSmoothing: the share of the loss that goes to all classes alike, in [0, 1).
    ///   - gates: the attention mask to learn; none when nil.
    ///   - adapter: a low-rank adapter beside the linear layers; none when nil.
    public init(
        config: EncoderConfig, head: EncoderHead, isTraining: Bool, hasLabels: Bool? = nil,
        labelSmoothing: Double = 0, gates: AttentionGates? = nil, adapter: LoRAConfig? = nil
    ) {
        self.config = config
        self.head = head
        self.isTraining = isTraining
        self.hasLabels = hasLabels ?? isTraining
        self.gates = gates
        self.adapter = adapter
        modules = [.pooling(config.pooling)]
        self.labelSmoothing = labelSmoothing
    }

    /// Where the adapter's parts are; nil without one.
    package var adapterPlan: AdapterPlan? {
        adapter.map {
            AdapterPlan($0, map: config.family.modules(of: config), architecture: head.architecture)
        }
    }

    /// The parameters that training changes and a saved model has: all, or those of the adapter, the modules that are saved
    /// with it, and the modules behind a plain encoder.
    package func trainedParameters(of built: Built) -> [ParameterSpec] {
        guard let plan = adapterPlan else { return built.parameters }
        let own = head == .encoder ? Set(modules.flatMap(\.parameterNames)) : []
        return built.parameters.filter { $0.isAdapter || own.contains($0.name) || plan.saves($0.name) }
    }

    /// A graph with what is known of its parameters.
    public struct Built: Sendable {
        /// The graph, verified.
        public let graph: Graph
        /// The parameters, in the order of the graph.
        public let parameters: [ParameterSpec]
    }

    /// The graph and its parameters.
    /// - Throws: `ConfigError` for a configuration that `EncoderConfig.validate` refuses, or a head that the model's family
    ///   does not have.
    public func build() throws -> Built {
        try config.validate()
        return try build(config.family.spec(of: config))
    }

    /// The graph of a specification of your own, and its parameters; of the configuration nothing is read.
    /// - Parameter spec: the encoder. `EncoderSpec(config, name:)` is one to start from.
    /// - Throws: `ConfigError` for a head that the specification does not have.
    public func build(_ spec: EncoderSpec) throws -> Built {
        try spec.check(head)
        guard gates == nil || spec.relativePositions == nil else {
            throw ConfigError(
                file: "model configuration",
                problem:
                    "is of the family '\(spec.name)', whose scores have a bias; learned masks are for others")
        }
        var parameters: [ParameterSpec] = []
        let graph = try GraphBuilder.build(spec.name) { g in
            let builder = EncoderBuilder(
                g, spec, isTraining: isTraining,
                drops: head == .encoder && modules.contains { $0.dropoutRate > 0 }, adapter: adapterPlan,
                stack: stack)
            builder.isWeighted = isWeighted && hasLabels
            var encoder = EncoderWriter(builder, gates: gates, isTraining: isTraining)
            let x = encoder.write()
            for layer in stateOutputs { g.output("states.\(layer)", encoder.states[layer + 1]) }
            if hasLabels, let distillation {
                builder.teacher = DistillationWriter(builder, distillation, states: encoder.states)
            }
            if head == .encoder {
                let isTrained = sentenceLoss != nil && hasLabels
                if !isTrained { g.output("hidden", x) }
                var sentences = SentenceWriter(builder, states: encoder.states, promptLength: promptLength)
                if let vectors = sentences.vectors(of: modules) {
                    g.output("pooled", vectors)
                    if let sentenceLoss, hasLabels {
                        g.scope("loss") {
                            let loss = SentenceLossWriter(g, sentenceLoss, vectors: vectors).write()
                            g.output("loss", encoder.maskLoss.map { loss + $0 } ?? loss)
                        }
                    }
                }
            } else {
                let heads = HeadWriter(
                    builder, head: head, hasLabels: hasLabels && rankingLoss == nil,
                    labelSmoothing: labelSmoothing,
                    maskLoss: encoder.maskLoss)
                heads.write(x)
                if let rankingLoss, hasLabels,
                    let logits = g.graph.outputs.first(where: { $0.name == "logits" })
                {
                    g.scope("loss") {
                        let scores = g.tensor(logits.value).reshaped(["sequences"])
                        let loss = rankingLoss.write(g, scores)
                        g.output("loss", encoder.maskLoss.map { loss + $0 } ?? loss)
                    }
                }
            }
            try builder.adapters?.check()
            try builder.stack?.check()
            parameters = builder.parameters
        }
        return Built(graph: graph, parameters: parameters)
    }
}

extension EncoderSpec {
    /// Refuses a head that the family does not have.
    fileprivate func check(_ head: EncoderHead) throws {
        let missing: String? =
            switch head {
            case .maskedLM: heads.maskedLM == nil ? "masked language model" : nil
            case .pretraining: heads.pair != nil ? nil : "next-sentence head, which pre-training needs"
            case .discriminator: heads.discriminator == nil ? "discriminator" : nil
            case .nextSentencePrediction: heads.pair != nil ? nil : "next-sentence head"
            case .multipleChoice: heads.choice == nil ? "head for multiple choice" : nil
            case .encoder, .classification, .regression, .multiLabelClassification, .tokenClassification,
                .questionAnswering:
                nil
            }
        guard let missing else { return }
        throw ConfigError(
            file: "model configuration", problem: "is of the family '\(name)', which has no \(missing)")
    }
}
