/// The correspondence between the names in checkpoint files and canonical parameter names.
package enum CheckpointNames {
    /// The masked-LM decoder and what it shares its values with in Hugging Face's model.
    package static let tied = [
        "cls.predictions.decoder.weight": "embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    ]

    /// The canonical name of a tensor in a file: without the prefix `bert.`, LayerNorm's `gamma` and `beta` (as
    /// TensorFlow and early PyTorch checkpoints have it) as `weight` and `bias`.
    package static func canonical(_ stored: String) -> String {
        var name = stored
        if name.hasPrefix("bert.") { name.removeFirst("bert.".count) }
        for (legacy, current) in [
            ("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias"),
        ]
        where name.hasSuffix(legacy) {
            name.removeLast(legacy.count)
            name += current
        }
        return name
    }

    /// The name that a canonical parameter has in a file of the given class.
    package static func stored(_ canonical: String, in architecture: BertArchitecture) -> String {
        let isPartOfEncoder = ["embeddings.", "encoder.", "pooler."].contains { canonical.hasPrefix($0) }
        return isPartOfEncoder ? architecture.prefix + canonical : canonical
    }

    /// Whether a canonical name is of a buffer that old versions saved although it is constant.
    package static func isConstantBuffer(_ canonical: String) -> Bool {
        canonical == "embeddings.position_ids" || canonical == "embeddings.token_type_ids"
    }
}
