import Encoders

extension EncoderConfig {
    /// What layer-wise decay multiplies a parameter's learning rate by (as in fine-tuning ELECTRA, arXiv:2003.10555,
    /// and BEiT, arXiv:2106.08254): 1 for the head, `decay` for the topmost layer, `decay`^(layers + 1) for the
    /// embeddings.
    package func learningRateScale(of name: String, decay: Double) -> Double {
        let parts = name.split(separator: ".")
        let above: Int
        if parts.first == "embeddings" {
            above = layers + 1
        } else if parts.starts(with: ["encoder", "layer"]), parts.count > 2, let layer = Int(parts[2]) {
            above = layers - layer
        } else {
            above = 0
        }
        return (0..<above).reduce(1) { scale, _ in scale * decay }
    }
}
