import GraphCompiler

/// Attention of 4,096 tokens in sequences of `length`, 12 heads of 64.
struct AttentionWork {
    let precision: Precision
    let length: Int
    let dropout: Double
    /// Forward and backward; else forward alone.
    let isTraining: Bool

    static let tokens = 4096
    let heads = 12
    let headSize = 64

    /// Two products forward and four backward, a multiply-add being two FLOPs; scores that are computed again
    /// don't count.
    var flops: Double { Double((isTraining ? 12 : 4) * Self.tokens * length * heads * headSize) }

    /// How a peer is told to do the same.
    var peerArguments: [String] {
        let arguments = [
            "--work", "attention", "--precision", precision.rawValue, "--batch", "\(Self.tokens / length)",
            "--length", "\(length)", "--heads", "\(heads)", "--head-size", "\(headSize)",
            "--dropout", "\(dropout)",
        ]
        return arguments + (isTraining ? ["--backward"] : [])
    }
}
