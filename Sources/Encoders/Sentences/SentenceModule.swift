/// One step of the way from the encoder's token states to the vector of a sequence, as sentence-transformers'
/// `modules.json` lists them.
package struct SentenceModule: Hashable, Sendable {
    /// What a step reads and writes, under sentence-transformers' name.
    package enum Feature: String, Sendable, CaseIterable {
        /// One row per token.
        case tokens = "token_embeddings"
        /// One row per sequence.
        case sentence = "sentence_embedding"
    }

    /// What a step does.
    package enum Kind: Hashable, Sendable {
        /// Token states become a mean, with learned weights, of the states of layer `start` (0: the embeddings) and all
        /// later ones of `layers`.
        case weightedLayers(start: Int, layers: Int)
        /// Token states become one vector: the vectors of the modes end to end, in the order of the modes; with the
        /// tokens of a prompt before the text, or without.
        case pooling([EncoderPooling], includesPrompt: Bool = true)
        /// activation(x Wᵀ + b), and x added to it if `hasResidual`: projected where the widths differ.
        case dense(
            inputs: Int, outputs: Int, hasBias: Bool, activation: DenseActivation, hasResidual: Bool = false)
        /// As `torch.nn.LayerNorm`, with its epsilon of 1e-5.
        case layerNorm(width: Int)
        /// Unit length.
        case normalize
        /// Dropout in training.
        case dropout(rate: Double)
    }

    package var kind: Kind
    /// What the names of its parameters begin with.
    package let name: String
    package let input: Feature
    package let output: Feature

    package init(_ kind: Kind, name: String = "", input: Feature = .sentence, output: Feature? = nil) {
        self.kind = kind
        self.name = name
        self.input = input
        self.output = output ?? input
    }

    /// The step of a directory without modules.
    package static func pooling(_ mode: EncoderPooling) -> SentenceModule { SentenceModule(.pooling([mode])) }

    /// The share of elements that training leaves out.
    var dropoutRate: Double { if case .dropout(let rate) = kind { rate } else { 0 } }

    /// The width of what it writes.
    func outputWidth(of width: Int) -> Int {
        switch kind {
        case .weightedLayers, .layerNorm, .normalize, .dropout: width
        case .pooling(let modes, _): width * modes.count
        case .dense(_, let outputs, _, _, _): outputs
        }
    }

    /// What its parameters are called in a graph.
    package var parameterNames: [String] { parameters.map { "\(name).\($0.name)" } }

    /// Its parameters, named as in its own weight file.
    var parameters: [ParameterSpec] {
        switch kind {
        case .weightedLayers(let start, let layers): [ParameterSpec("layer_weights", [layers + 1 - start])]
        case .pooling, .normalize, .dropout: []
        case .dense(let inputs, let outputs, let hasBias, _, let hasResidual):
            [ParameterSpec("linear.weight", [outputs, inputs])]
                + (hasBias ? [ParameterSpec("linear.bias", [outputs], role: .bias)] : [])
                + (hasResidual && inputs != outputs
                    ? [ParameterSpec("residual.weight", [outputs, inputs])] : [])
        case .layerNorm(let width):
            [
                ParameterSpec("norm.weight", [width], role: .normScale),
                ParameterSpec("norm.bias", [width], role: .normBias),
            ]
        }
    }
}
