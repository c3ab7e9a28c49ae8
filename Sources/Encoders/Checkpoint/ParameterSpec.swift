/// Name and shape of one parameter of a model, under its canonical name.
///
/// Canonical names are Hugging Face's without the prefix `bert.`: `embeddings.word_embeddings.weight`,
/// `encoder.layer.0.attention.self.query.weight`, `classifier.bias`, `cls.predictions.bias`.
/// Matrices of linear layers are [out, in], as in the files.
public struct ParameterSpec: Sendable, Equatable {
    public let name: String
    /// Extents, outermost first.
    public let shape: [Int]

    public init(_ name: String, _ shape: [Int]) {
        self.name = name
        self.shape = shape
    }

    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }
}

/// What a checkpoint gave for the parameters that a model asked for.
public struct LoadReport: Sendable, Equatable, CustomStringConvertible {
    /// Canonical names of the parameters that the file has.
    public var loaded: [String] = []
    /// Parameters that the file lacks; the caller initialises them.
    public var missing: [ParameterSpec] = []
    /// Names, as in the file, of tensors that the model has no use for.
    public var unexpected: [String] = []
    /// Names, as in the file, of tensors that carry no information: constant buffers such as `position_ids`, and
    /// stored copies of a tied weight.
    public var redundant: [String] = []

    public init() {}

    /// A summary: one line of counts, then a line for each list that calls for attention.
    public var description: String {
        var lines = ["\(loaded.count) tensors loaded"]
        if !missing.isEmpty {
            let names = missing.map { "\($0.name) \($0.shape)" }.joined(separator: ", ")
            lines.append("\(missing.count) not in the checkpoint, freshly initialised: \(names)")
        }
        if !unexpected.isEmpty {
            lines.append(
                "\(unexpected.count) in the checkpoint but not in the model: "
                    + unexpected.joined(separator: ", "))
        }
        if !redundant.isEmpty {
            lines.append(
                "\(redundant.count) constant or tied, not needed: " + redundant.joined(separator: ", "))
        }
        return lines.joined(separator: "\n")
    }
}
