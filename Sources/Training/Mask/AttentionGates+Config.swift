import Encoders
import GraphCompiler
import Pipelines

extension AttentionGates {
    /// The gates that a configuration asks for; `nil` when it learns no mask.
    ///
    /// - Parameters:
    ///   - model: the configuration of the model.
    ///   - path: what errors call it.
    /// - Throws: `ModelError` for a model that has a mask already or whose family has none, and for sequences that are
    ///   longer than either mask.
    init?(_ training: TrainingConfig, _ model: EncoderConfig, at path: String) throws {
        let whole = training.data.maxLength ?? model.positionCount
        let longest = training.pretraining.phases.map { $0.length ?? whole }.max() ?? whole
        func check(_ size: Int, _ mask: String) throws {
            guard longest > size else { return }
            let given =
                !training.pretraining.phases.isEmpty
                ? "a phase has sequences of \(longest) tokens"
                : training.data.maxLength == nil
                    ? "'maxLength' is null, for the model's \(longest) positions"
                    : "'maxLength' is \(longest)"
            throw ModelError(
                .invalidSetting,
                "\(given), but \(mask) at \(size) tokens and not defined beyond; set maxLength to at most \(size)",
                at: training.file)
        }
        guard let form = training.mask.form else {
            if let size = model.maskSize { try check(size, "the model's attention mask was made or learned") }
            return nil
        }
        guard model.savesAttentionMasks else {
            throw ModelError(
                .invalidSetting,
                "'dam' is \"\(form.rawValue)\", but \(path) is of the family '\(model.family.modelType)', whose models "
                    + "have no attention mask to learn; set \"dam\": null", at: training.file)
        }
        guard model.attentionMasks.isEmpty else {
            throw ModelError(
                .invalidModel,
                "has an attention mask already, so that 'dam' has none to learn; set \"dam\": null to train with the "
                    + "mask, or take 'attention_mask' out of the model's configuration", at: path)
        }
        let length = training.mask.length ?? longest
        try check(length, "the attention mask is learned")
        self.init(form, length: length, lambda: training.mask.lambda, isPerLayer: training.mask.isPerLayer)
    }
}
