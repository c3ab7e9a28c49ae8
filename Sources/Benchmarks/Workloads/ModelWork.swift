import Encoders
import GraphCompiler

/// A training step or a forward pass of BERT with a classifier over `batch` sequences of `length` tokens.
struct ModelWork {
    var isTraining = true
    let precision: Precision
    let batch: Int
    let length: Int

    static let labels = 2

    var tokens: Int { batch * length }

    /// Model FLOPs of one run, a multiply-add being two. Only products count, and what is computed twice
    /// counts once: 2 x (matmul parameters x tokens + head's parameters x sequences) + 4 x layers x tokens x
    /// length x hidden, the latter for attention's two products. Training takes three times as much, since a
    /// product has two in its gradient: 6 x matmul parameters x tokens (Chowdhery et al.,
    /// arXiv:2204.02311, appendix B).
    func flops(_ config: EncoderConfig) -> Double {
        let (hidden, inner) = (config.hiddenSize, config.feedForwardSize)
        let matmulParameters = config.layers * (4 * hidden * hidden + 2 * hidden * inner)
        let headParameters = hidden * hidden + hidden * Self.labels
        let products = 2 * (matmulParameters * tokens + headParameters * batch)
        let attention = 4 * config.layers * tokens * length * hidden
        return Double((isTraining ? 3 : 1) * (products + attention))
    }

    /// How a peer is told to do the same. A precision that PyTorch lacks is compared with fp32.
    func peerArguments(_ config: EncoderConfig) throws -> [String] {
        [
            "--work", isTraining ? "train" : "infer", "--precision", precision == .bf16 ? "bf16" : "fp32",
            "--batch", "\(batch)", "--length", "\(length)",
            "--config", String(decoding: try config.json(), as: UTF8.self),
        ]
    }
}
