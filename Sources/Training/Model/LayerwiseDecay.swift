import Encoders

extension ParameterSpec {
    /// What layer-wise decay multiplies the learning rate by (as in fine-tuning ELECTRA, arXiv:2003.10555, and BEiT,
    /// arXiv:2106.08254): 1 for heads, `decay` for the topmost of `layers` layers, `decay`^(layers + 1) for the embeddings.
    package func learningRateScale(decay: Double, layers: Int) -> Double {
        let above =
            switch part {
            case .embeddings: layers + 1
            case .layer(let layer): layers - layer
            case .encoder, .head, .classifier, .gates: 0
            }
        return (0..<above).reduce(1) { scale, _ in scale * decay }
    }
}
