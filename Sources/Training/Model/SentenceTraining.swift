import Encoders

/// What a run that trains vectors of texts adds to the encoder: the modules that make vectors, their loss, and the layout
/// of the directory that is saved.
struct SentenceTraining {
    let layout: SentenceLayout
    let loss: SentenceLoss
    /// The graphs' output with the vectors.
    static let output = "pooled"

    /// Names of the parameters that the encoder's own files do not hold.
    var moduleParameters: Set<String> { Set(layout.parameters.map(\.name)) }
}
