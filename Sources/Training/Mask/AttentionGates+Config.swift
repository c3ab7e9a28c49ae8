import BERT

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
    /// - Parameter length: tokens of a sequence at most.
    /// - Throws: `TrainingError` that says how long they may be.
    func checkMask(of model: BertConfig, _ gates: AttentionGates?, length: Int) throws {
        guard let size = gates?.length ?? model.maskSize, length > size else { return }
        let given = maxLength == nil ? "is null, for the model's \(length) positions" : "is \(length)"
        let mask = gates == nil ? "the model's attention mask was made or learned at" : "the attention mask is learned at"
        throw TrainingError(
            .invalidSetting,
            "'maxLength' \(given), but \(mask) \(size) tokens and not defined beyond; set maxLength to at most "
                + "\(size)", at: file)
    }
}
