import Support

/// All operators that are known, by name: one table for each family of operators, in a file of its own.
enum OperatorTable {
    private static let families: [[String: OperatorRule]] = [
        Elementwise.rules, Trigonometry.rules, Activations.rules, Casts.rules, Shapes.rules, Movement.rules,
        Constants.rules, Indexing.rules, Reductions.rules, Products.rules, Normalisation.rules,
        AttentionOperators.rules, Quantisation.rules, Losses.rules, Windows.rules, Pooling.rules,
    ]

    private static let rules: [String: OperatorRule] = families.reduce(into: [:]) { table, family in
        table.merge(family) { _, _ in preconditionFailure("an operator has two rules") }
    }

    /// What ONNX has and a graph of tensors of known shapes has not, with the reason.
    private static let reasons: [String: String] = {
        let control = "control flow is not supported; unroll it when the model is exported"
        let sequence = "sequences of tensors are not supported"
        let optional = "optional values are not supported"
        let text = "texts are not supported"
        let random = "random numbers of this kind are not supported"
        let shape = "the shape of its result depends on numbers, which is not supported"
        let groups: [(String, [String])] = [
            (control, ["Loop", "Scan", "If", "SequenceMap"]),
            (
                sequence,
                [
                    "SequenceEmpty", "SequenceConstruct", "SequenceAt", "SequenceInsert", "SequenceErase",
                    "SequenceLength",
                    "SplitToSequence", "ConcatFromSequence", "ReverseSequenceList",
                ]
            ),
            (optional, ["Optional", "OptionalGetElement", "OptionalHasElement"]),
            (
                text,
                [
                    "StringConcat", "StringSplit", "StringNormalizer", "RegexFullMatch", "TfIdfVectorizer",
                    "LabelEncoder",
                    "ImageDecoder",
                ]
            ),
            (
                random,
                [
                    "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli",
                    "Multinomial",
                ]
            ),
            (shape, ["NonZero", "Unique", "Compress", "NonMaxSuppression"]),
        ]
        var reasons: [String: String] = [:]
        for (reason, names) in groups { for name in names { reasons[name] = reason } }
        return reasons
    }()

    static var names: [String] { rules.keys.sorted() }

    static func rule(_ op: String, domain: String) -> OperatorRule? {
        switch domain {
        case "": rules[op]
        // What ONNX Runtime's optimiser writes for operators that ONNX has by now, with the same operands and attributes.
        case "com.microsoft":
            ["Gelu", "LayerNormalization", "RotaryEmbedding"].contains(op) && op == "Gelu" ? rules[op] : nil
        default: nil
        }
    }

    static func refusal(_ op: String, domain: String) -> ONNXError {
        let name = domain.isEmpty ? op : "\(domain).\(op)"
        if domain.isEmpty, let reason = reasons[op] { return .unsupported(reason) }
        return .unsupported("the operator '\(name)' is not supported\(suggestion(for: op, in: names))")
    }
}
