/// The correspondence between the tensors in a family's checkpoint files and canonical parameters, both ways: names that
/// differ, tensors that hold several parameters, and parameters that are cut into several tensors.
public struct CheckpointMap: Sendable {
    /// What a class with a head puts before the names of its encoder's tensors, without the dot.
    package let prefix: String
    /// What other code for the same models puts there.
    let otherPrefixes: Set<Substring>
    /// The modules in files that get the prefix.
    let encoder: [String]
    let rules: [Rule]

    /// A map of a family.
    ///
    /// - Parameters:
    ///   - prefix: what a class with a head puts before the names of its encoder's tensors, without the dot.
    ///   - encoder: the modules in files that get the prefix.
    ///   - rules: names that differ; the first that fits counts, other names are the same on both sides.
    ///   - otherPrefixes: what other code for the same models puts in the place of `prefix`; understood, not written.
    public init(prefix: String, encoder: [String], rules: [Rule], otherPrefixes: [String] = []) {
        self.prefix = prefix
        self.otherPrefixes = Set(otherPrefixes.map { Substring($0) })
        self.encoder = encoder
        self.rules = rules
    }

    /// Modules with other names in files than canonically. Each pattern stands for all tensors below it; `*` is a number.
    ///
    /// At most one side has several patterns: their tensors lie one after another, in equal parts of the first axis, in the
    /// tensor of the other side.
    public struct Rule: Sendable {
        let canonical: [Pattern]
        let stored: [Pattern]
        /// The only kind of model whose files are written so.
        var architecture: EncoderArchitecture?
        /// Where the rows of each canonical pattern's tensor lie in the stored one.
        var rows: [RowOrder] = []
        /// The parts of a parameter in the order of a file; its own order when empty.
        var order: [Int] = []

        /// The order of a part's rows in a stored tensor.
        func rows(_ part: Int) -> RowOrder { part < rows.count ? rows[part] : RowOrder() }

        /// Another name.
        public static func rename(
            _ canonical: String, _ stored: String, in architecture: EncoderArchitecture? = nil
        ) -> Rule {
            Rule(canonical: [Pattern(canonical)], stored: [Pattern(stored)], architecture: architecture)
        }

        /// Parameters that files have as one tensor.
        ///
        /// - Parameter rows: the order of each parameter's rows there; one after another unless said.
        public static func split(_ canonical: [String], of stored: String, rows: [RowOrder] = []) -> Rule {
            Rule(canonical: canonical.map(Pattern.init), stored: [Pattern(stored)], rows: rows)
        }

        /// A parameter that files have as several tensors.
        public static func join(_ canonical: String, of stored: [String]) -> Rule {
            Rule(canonical: [Pattern(canonical)], stored: stored.map(Pattern.init))
        }

        /// A parameter whose equal parts of the first axis lie in another order in files.
        ///
        /// - Parameter order: the number of the parameter's part for each part in files.
        public static func reorder(_ canonical: String, _ stored: String, _ order: [Int]) -> Rule {
            Rule(canonical: [Pattern(canonical)], stored: [Pattern(stored)], order: order)
        }
    }

    /// How the rows of a parameter lie in a tensor that holds several: where each head's rows of all parameters lie one after
    /// another, and pairs of elements that rotary positions turn side by side.
    public struct RowOrder: Sendable, Equatable {
        /// Heads whose rows lie one after another, with those of all parameters in each; 1 for whole parameters.
        public var heads: Int
        /// Whether element 2i of a head in files is element i here, and element 2i + 1 is i + half of the head.
        public var isInterleaved: Bool

        /// Whole parameters one after another, but for what is given.
        public init(heads: Int = 1, isInterleaved: Bool = false) {
            self.heads = heads
            self.isInterleaved = isInterleaved
        }
    }

    /// A part of a tensor, by the first axis: number `index` of `count` equal ones.
    struct Slice: Equatable {
        var index = 0
        var count = 1
        var order = RowOrder()
    }

    /// A place that values go to or come from.
    struct Place: Equatable {
        let name: String
        /// The part of the named tensor.
        var slice = Slice()
        /// The part of the tensor on the other side.
        var source = Slice()
    }

    // MARK: Reading

    /// The parameters whose values a tensor in a file has; `slice` is the part of a parameter, `source` that of the tensor.
    func canonical(_ stored: String) -> [Place] {
        let name = plain(stored)
        for rule in rules {
            for (index, pattern) in rule.stored.enumerated() {
                guard let match = pattern.match(name) else { continue }
                let count = rule.order.count
                if count > 0 {
                    return rule.order.enumerated().map { stored, own in
                        Place(
                            name: rule.canonical[0].name(match), slice: Slice(index: own, count: count),
                            source: Slice(index: stored, count: count))
                    }
                }
                return rule.canonical.enumerated().map { part, canonical in
                    Place(
                        name: canonical.name(match), slice: Slice(index: index, count: rule.stored.count),
                        source: Slice(index: part, count: rule.canonical.count, order: rule.rows(part)))
                }
            }
        }
        return [Place(name: name)]
    }

    // MARK: Writing

    /// The tensors of a file of the given kind of model that have a parameter's values; `slice` is the part of a tensor,
    /// `source` that of the parameter.
    func stored(_ canonical: String, in architecture: EncoderArchitecture) -> [Place] {
        let places = ownPlaces(canonical, architecture)
        // Transformers' classes have the head's bias as well, which then nothing reads.
        guard canonical == EncoderSpec.MaskedLM.ownBias else { return places }
        return places + ownPlaces(EncoderSpec.MaskedLM.sharedBias, architecture)
    }

    private func ownPlaces(_ canonical: String, _ architecture: EncoderArchitecture) -> [Place] {
        for rule in rules where rule.architecture == nil || rule.architecture == architecture {
            for (index, pattern) in rule.canonical.enumerated() {
                guard let match = pattern.match(canonical) else { continue }
                let count = rule.order.count
                if count > 0 {
                    let name = prefixed(rule.stored[0].name(match), in: architecture)
                    return rule.order.enumerated().map { stored, own in
                        Place(
                            name: name, slice: Slice(index: stored, count: count),
                            source: Slice(index: own, count: count))
                    }
                }
                return rule.stored.enumerated().map { part, stored in
                    Place(
                        name: prefixed(stored.name(match), in: architecture),
                        slice: Slice(index: index, count: rule.canonical.count, order: rule.rows(index)),
                        source: Slice(index: part, count: rule.stored.count))
                }
            }
        }
        return [Place(name: prefixed(canonical, in: architecture))]
    }

    private func prefixed(_ name: String, in architecture: EncoderArchitecture) -> String {
        let isPartOfEncoder = encoder.contains { name.hasPrefix($0 + ".") }
        return isPartOfEncoder && architecture != .encoder ? "\(prefix).\(name)" : name
    }

    // MARK: Names

    /// What wrappers of a model (`torch.compile`, data parallelism, FSDP, DeepSpeed, a module that holds it) put before
    /// its names, one or several.
    private static let wrappers: Set<Substring> = [
        "model", "module", "auto_model", "base_model", "_orig_mod", "_fsdp_wrapped_module", "_forward_module",
    ]
    /// What wrappers of a part of a model put into its names.
    private static let innerWrappers: Set<Substring> = [
        "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
    ]

    /// The family's name of a tensor in a file: without what wrappers put there, LayerNorm's `gamma` and `beta` (as
    /// TensorFlow and early PyTorch checkpoints have it) as `weight` and `bias`.
    func plain(_ stored: String) -> String {
        let parts = stored.split(separator: ".", omittingEmptySubsequences: false)
        var name = parts.drop { Self.wrappers.contains($0) || $0 == prefix || otherPrefixes.contains($0) }
            .filter { !Self.innerWrappers.contains($0) }.joined(separator: ".")
        for (legacy, current) in [
            ("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias"),
        ]
        where name.hasSuffix(legacy) {
            name.removeLast(legacy.count)
            name += current
        }
        return name
    }

    /// The masked-LM decoder and what it shares its values with in Hugging Face's models, by canonical names.
    static let tied = [
        "cls.predictions.decoder.weight": "embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    ]

    /// Whether a canonical name is of a buffer that old versions saved although it is constant.
    static func isConstantBuffer(_ canonical: String) -> Bool {
        canonical == "embeddings.position_ids" || canonical == "embeddings.token_type_ids"
    }
}
