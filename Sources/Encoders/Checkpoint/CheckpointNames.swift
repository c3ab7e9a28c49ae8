/// The correspondence between the names in checkpoint files and canonical parameter names.
package enum CheckpointNames {
    /// The masked-LM decoder and what it shares its values with in Hugging Face's model.
    package static let tied = [
        "cls.predictions.decoder.weight": "embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    ]

    /// What wrappers of a model (`torch.compile`, data parallelism, FSDP, DeepSpeed, a module that holds it) put before
    /// its names, one or several.
    private static let wrappers: Set<Substring> = [
        "bert", "model", "module", "auto_model", "_orig_mod", "_fsdp_wrapped_module", "_forward_module",
    ]
    /// What wrappers of a part of a model put into its names.
    private static let innerWrappers: Set<Substring> = [
        "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
    ]

    /// The canonical name of a tensor in a file: without what wrappers put there, LayerNorm's `gamma` and `beta` (as
    /// TensorFlow and early PyTorch checkpoints have it) as `weight` and `bias`.
    package static func canonical(_ stored: String) -> String {
        let parts = stored.split(separator: ".", omittingEmptySubsequences: false)
        var name = parts.drop(while: wrappers.contains).filter { !innerWrappers.contains($0) }
            .joined(separator: ".")
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
    package static func stored(_ canonical: String, in architecture: EncoderArchitecture) -> String {
        let isPartOfEncoder = ["embeddings.", "encoder.", "pooler."].contains { canonical.hasPrefix($0) }
        return isPartOfEncoder ? architecture.prefix + canonical : canonical
    }

    /// Whether a canonical name is of a buffer that old versions saved although it is constant.
    package static func isConstantBuffer(_ canonical: String) -> Bool {
        canonical == "embeddings.position_ids" || canonical == "embeddings.token_type_ids"
    }
}
