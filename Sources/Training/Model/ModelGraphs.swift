import Encoders
import GraphCompiler

/// The graphs of a run, built once: the model that is trained and the one that is evaluated.
package struct ModelGraphs {
    package let config: EncoderConfig
    package let head: EncoderHead
    /// Learns the attention mask.
    package let gates: AttentionGates?
    /// The parameters of both graphs, in their order.
    package let specs: [ParameterSpec]
    /// With labels and dropout.
    let training: Graph
    /// Without.
    let evaluation: Graph

    /// - Parameters:
    ///   - gates: learn an attention mask.
    ///   - labelSmoothing: that of the training loss.
    package init(
        config: EncoderConfig, head: EncoderHead, gates: AttentionGates? = nil, labelSmoothing: Double = 0
    ) throws {
        self.config = config
        self.head = head
        self.gates = gates
        let built = try EncoderGraph(
            config: config, head: head, isTraining: true, labelSmoothing: labelSmoothing, gates: gates
        ).build()
        (training, specs) = (built.graph, built.parameters)
        evaluation = try EncoderGraph(config: config, head: head, isTraining: false, gates: gates).build()
            .graph
    }
}
