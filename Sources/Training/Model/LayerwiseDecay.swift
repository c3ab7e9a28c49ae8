import Encoders
import GraphCompiler
import Support

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

extension OptimizerOptions {
    /// Treats each parameter as what it is. Biases and norms get no weight decay. Gates get a learning rate of their own and
    /// neither weight decay nor clipping: the factor 10000 in their gradients would make clipping a matter of them alone.
    ///
    /// - Parameters:
    ///   - scale: what the learning rate of a parameter is multiplied by.
    ///   - gateScale: the same of gates.
    package mutating func follow(
        _ parameters: [ParameterSpec], scale: (ParameterSpec) -> Double = { _ in 1 }, gateScale: Double = 1
    ) {
        let known = Dictionary(
            uniqueKeysWithValues: parameters.map { spec in
                (TextKey(spec.name), (spec: spec, scale: spec.role == .gate ? gateScale : scale(spec)))
            })
        let noDecay = noDecay
        self.noDecay = { name in known[TextKey(name)].map { !$0.spec.decays } ?? noDecay(name) }
        noClipping = { known[TextKey($0)]?.spec.role == .gate }
        learningRateScale = { known[TextKey($0)]?.scale ?? 1 }
    }
}
