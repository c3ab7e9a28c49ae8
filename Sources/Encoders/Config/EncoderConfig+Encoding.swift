import Foundation
import Support

extension EncoderConfig {
    /// The text of a `config.json`: sorted keys, unknown keys included.
    ///
    /// Hugging Face Transformers loads it as a model of its family; a BERT when the layers are post-norm and share nothing, attention has no
    /// mask and embeddings are as wide as the layers. Other models have no counterpart there, so their files carry no `model_type`: loading them by mistake fails instead
    /// of computing something else. A mask from a file is written out.
    /// - Throws: `ConfigError` when the configuration is not valid.
    public func json() throws -> Data {
        try validate()
        var object = unknownKeys
        let keys = family.keys
        func set(_ key: Key, _ value: JSONValue?) {
            guard !keys.ignored.contains(key), !keys.refused.contains(key) else { return }
            object[keys.names[key] ?? key.rawValue] = value
        }
        set(.vocabularySize, .integer(vocabularySize))
        set(.hiddenSize, .integer(hiddenSize))
        set(.layers, .integer(layers))
        set(.heads, .integer(heads))
        set(.feedForwardSize, .integer(feedForwardSize))
        set(.maxPositions, .integer(maxPositions))
        set(.tokenTypes, .integer(tokenTypes))
        set(.activation, .string(activation.rawValue))
        set(.hiddenDropout, .double(hiddenDropout))
        set(.attentionDropout, .double(attentionDropout))
        set(.classifierDropout, classifierDropout.map(JSONValue.double))
        set(.layerNormEpsilon, .double(layerNormEpsilon))
        set(.initializerRange, .double(initializerRange))
        set(.paddingID, paddingID.map(JSONValue.integer) ?? .null)
        set(.tieWordEmbeddings, .bool(tieWordEmbeddings))
        set(.problemType, problemType.map { .string($0.rawValue) })
        set(.normPosition, .string(normPosition.rawValue))
        set(.pooling, .string(pooling.rawValue))
        let masks = attentionMasks.map { JSONValue.string($0.description) }
        set(.attentionMask, masks.count > 1 ? .array(masks) : masks.first)
        set(.shareLayers, shareLayers == .none ? nil : .string(shareLayers.rawValue))
        // A file that says nothing means the family's own width.
        let tables = embeddingSize ?? family.defaults.embeddingSize.map { _ in hiddenSize }
        set(.embeddingSize, tables.map(JSONValue.integer))
        set(.stochasticDepth, stochasticDepth > 0 ? .double(stochasticDepth) : nil)
        set(.modelType, isHuggingFace ? .string(family.modelType) : nil)
        if !architectures.isEmpty { set(.architectures, .array(architectures.map(JSONValue.string))) }
        if !labels.isEmpty {
            let pairs = labels.enumerated()
            set(.labelNames, .object(pairs.map { (String($0), .string($1)) }))
            var ids: JSONObject = [:]
            for (id, name) in pairs { ids[name] = .integer(id) }
            set(.labelIDs, .object(ids))
        }
        return Data(JSONValue.object(object.sorted).text(.indented).utf8)
    }

    /// Whether Transformers has a model that computes the same.
    private var isHuggingFace: Bool {
        normPosition == .post && attentionMasks.isEmpty && shareLayers == .none
            && (embeddingWidth == hiddenSize || family.modelType != "bert")
    }
}
