import Support

/// Name and shape of one parameter of a model, under its canonical name, and what it is for.
///
/// Canonical names are those of Hugging Face's BERT without the prefix `bert.`, for every family:
/// `embeddings.word_embeddings.weight`, `encoder.layer.0.attention.self.query.weight`, `classifier.bias`,
/// `cls.predictions.bias`. Matrices of linear layers are [out, in], as in the files.
public struct ParameterSpec: Sendable, Equatable {
    /// What the numbers are, which decides how they start and whether they decay.
    public enum Role: Sendable, Hashable {
        /// The weights of a linear layer.
        case matrix
        /// What a linear layer adds.
        case bias
        /// What a norm multiplies by.
        case normScale
        /// What a norm adds.
        case normBias
        /// Rows for tokens, positions or token types; the row of the padding token starts as 0.
        case table(padding: Int?)
        /// Numbers that scores get for a distance; they start like weights and do not decay.
        case positionBias
        /// Rows for positions that start as sinusoids.
        case sinusoids
        /// The matrix of a low-rank adapter that reads a layer's input.
        case adapterInput
        /// The matrix of a low-rank adapter that gives what is added to a layer's output; it starts as 0.
        case adapterOutput
        /// The logits of an attention mask's gates.
        case gate
    }

    /// The part of the model that a parameter belongs to.
    public enum Part: Sendable, Hashable {
        /// The tables of tokens, positions and token types, with their norm.
        case embeddings
        /// An encoder layer, counted from 0; of shared parameters the first layer that reads them.
        case layer(Int)
        /// The rest of the encoder: its last norm, the projection of embeddings.
        case encoder
        /// A head that pre-training makes, such as the pooler or the masked-LM head, and modules after the encoder.
        case head
        /// The classifier of a task, which makes sense for the task's labels only.
        case classifier
        /// A learned attention mask.
        case gates
    }

    /// The canonical name.
    public let name: String
    /// Extents, outermost first.
    public let shape: [Int]
    /// What the numbers are.
    public let role: Role
    /// Where in the model they are.
    public let part: Part

    /// A matrix of a head unless more is said.
    public init(_ name: String, _ shape: [Int], role: Role = .matrix, part: Part = .head) {
        self.name = name
        self.shape = shape
        self.role = role
        self.part = part
    }

    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// Whether weight decay is for it: biases, those of positions among them, and norms have none, and neither have gates.
    public var decays: Bool {
        switch role {
        case .matrix, .table, .sinusoids, .adapterInput, .adapterOutput: true
        case .bias, .normScale, .normBias, .positionBias, .gate: false
        }
    }

    /// Whether it belongs to the classifier of a task.
    public var isHead: Bool { part == .classifier }

    /// Whether it belongs to a low-rank adapter.
    package var isAdapter: Bool { role == .adapterInput || role == .adapterOutput }

    /// Whether an encoder without it is incomplete.
    package var isEncoder: Bool {
        switch part {
        case .embeddings, .layer, .encoder: !isAdapter
        case .head, .classifier, .gates: false
        }
    }
}

/// What a checkpoint gave for the parameters that a model asked for.
public struct LoadReport: Sendable, Equatable, CustomStringConvertible {
    /// Canonical names of the parameters that the file has.
    public var loaded: [String] = []
    /// Parameters that the file lacks; the caller initialises them.
    public var missing: [ParameterSpec] = []
    /// Parameters of a classifier that the file has for other labels; the caller initialises them.
    public var replaced: [ParameterSpec] = []
    /// Names, as in the file, of tensors that the model has no use for.
    public var unexpected: [String] = []
    /// Names, as in the file, of tensors that carry no information: constant buffers such as `position_ids`, and
    /// stored copies of a tied weight.
    public var redundant: [String] = []

    package init() {}

    /// A summary: one line of counts, then a line for each list that calls for attention.
    public var description: String {
        var lines = ["\(loaded.count) tensors loaded"]
        if !missing.isEmpty {
            let names = Formatted.list(missing.map { "\($0.name) \($0.shape)" })
            lines.append("\(missing.count) not in the checkpoint, freshly initialised: \(names)")
        }
        if !replaced.isEmpty {
            let names = Formatted.list(replaced.map { "\($0.name) \($0.shape)" })
            lines.append(
                "\(replaced.count) in the checkpoint for other labels than these, freshly initialised: \(names)"
            )
        }
        if !unexpected.isEmpty {
            lines.append(
                "\(unexpected.count) in the checkpoint but not in the model: "
                    + Formatted.list(unexpected))
        }
        if !redundant.isEmpty {
            lines.append(
                "\(redundant.count) constant or tied, not needed: " + Formatted.list(redundant))
        }
        return lines.joined(separator: "\n")
    }
}
