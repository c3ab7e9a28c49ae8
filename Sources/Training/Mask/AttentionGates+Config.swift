import BERT
import GraphCompiler

extension AttentionGates {
    /// The gates that a configuration asks for; `nil` when it learns no mask.
    ///
    /// - Throws: `TrainingError` for a model that has a mask already.
    init?(_ training: TrainingConfig, _ source: ModelSource) throws {
        guard let form = training.dam else { return nil }
        guard source.config.attentionMasks.isEmpty else {
            throw TrainingError(
                .invalidModel,
                "has an attention mask already, so that 'dam' has none to learn; set \"dam\": null to train with the "
                    + "mask, or take 'attention_mask' out of the model's configuration", at: source.path)
        }
        let length = training.damLength ?? training.maxLength ?? source.config.maxPositions
        self.init(form, length: length, lambda: training.damLambda, isPerLayer: training.damPerLayer)
    }
}

extension TrainingConfig {
    /// Refuses sequences that are longer than the mask of the model, or than the one that is learned.
    ///
    /// - Throws: `TrainingError` that says how long they may be.
    func checkMask(of model: BertConfig, _ gates: AttentionGates?) throws {
        let length = maxLength ?? model.maxPositions
        guard let size = gates?.length ?? model.maskSize, length > size else { return }
        let given = maxLength == nil ? "is null, for the model's \(length) positions" : "is \(length)"
        let mask =
            gates == nil
            ? "the model's attention mask was made or learned at" : "the attention mask is learned at"
        throw TrainingError(
            .invalidSetting,
            "'maxLength' \(given), but \(mask) \(size) tokens and not defined beyond; set maxLength to at most "
                + "\(size)", at: file)
    }
}

extension OptimizerOptions {
    /// Gives gates a learning rate of their own, and neither weight decay nor clipping: the factor 10000 in their gradients
    /// would make clipping a matter of them alone.
    mutating func treatGates(learningRate: Double, of others: Double) {
        let (noDecay, noClipping, scale) = (noDecay, noClipping, learningRateScale)
        let factor = others == 0 ? 1 : learningRate / others
        self.noDecay = { AttentionGates.isGate($0) || noDecay($0) }
        self.noClipping = { AttentionGates.isGate($0) || noClipping($0) }
        learningRateScale = { AttentionGates.isGate($0) ? factor : scale($0) }
    }
}
