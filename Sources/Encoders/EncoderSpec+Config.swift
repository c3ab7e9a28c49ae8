extension EncoderSpec {
    /// What a configuration says, read as BERT reads it; other families change what they do otherwise.
    /// - Parameters:
    ///   - config: sizes, rates and masks.
    ///   - name: what the graph is called.
    public init(_ config: EncoderConfig, name: String) {
        self.name = name
        width = config.hiddenSize
        let norm = Norm(epsilon: config.layerNormEpsilon)
        embeddings = Embeddings(
            vocabulary: config.vocabularySize, padding: config.paddingID, width: config.embeddingWidth,
            isProjected: config.embeddingWidth != config.hiddenSize,
            positions: Positions(rows: config.maxPositions),
            tokenTypes: config.tokenTypes > 0 ? config.tokenTypes : nil, norm: norm,
            dropout: config.hiddenDropout)
        layers = (0..<config.layers).map { layer in
            func owner(_ part: LayerSharing.Part) -> Int {
                config.shareLayers.owner(of: part, in: layer, of: config.layers)
            }
            return Layer(
                normPosition: config.normPosition, norm: norm,
                attention: Attention(
                    owner: owner(.attention), heads: config.heads, mask: config.attentionMask(layer: layer),
                    dropout: config.attentionDropout, outputDropout: config.hiddenDropout),
                feedForward: FeedForward(
                    owner: owner(.feedForward), width: config.feedForwardSize, activation: config.activation,
                    outputDropout: config.hiddenDropout),
                stochasticDepth: config.stochasticDepth * Double(layer + 1) / Double(config.layers))
        }
        finalNorm = config.normPosition == .pre ? norm : nil
        let classifierDropout = config.effectiveClassifierDropout
        let pooled = SequenceHead(
            transform: Transform(name: "pooler", activation: .tanh), dropout: classifierDropout)
        heads = Heads(
            sequence: pooled, token: TokenHead(dropout: classifierDropout),
            question: TokenHead(dropout: 0, name: "qa_outputs"), choice: pooled,
            maskedLM: MaskedLM(
                transform: Transform(
                    name: "cls.predictions.transform", activation: config.activation, norm: norm),
                isTied: config.tieWordEmbeddings,
                bias: config.tieWordEmbeddings ? MaskedLM.sharedBias : MaskedLM.ownBias))
        pooling = config.pooling
    }
}
