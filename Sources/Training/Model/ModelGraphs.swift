import Encoders
import GraphCompiler

/// What a run compiles: a model with its head, for steps and for evaluations, built once.
package struct ModelGraphs {
    package let config: EncoderConfig
    package let head: EncoderHead
    /// The attention mask that is learned.
    package let gates: AttentionGates?
    /// The parameters without the optimiser's states.
    package let parameters: [ParameterSpec]
    /// With labels and dropout.
    package private(set) var training: Graph
    /// Without both.
    package let evaluation: Graph

    /// - Parameter labelSmoothing: of the training loss.
    package init(
        _ config: EncoderConfig, _ head: EncoderHead, gates: AttentionGates? = nil, labelSmoothing: Double = 0
    ) throws {
        self.config = config
        self.head = head
        self.gates = gates
        let built = try EncoderGraph(
            config: config, head: head, isTraining: true, labelSmoothing: labelSmoothing, gates: gates
        ).build()
        (training, parameters) = (built.graph, built.parameters)
        evaluation = try EncoderGraph(config: config, head: head, isTraining: false, gates: gates).build()
            .graph
    }

    /// Takes parameters out of training.
    package mutating func freeze(_ isFrozen: (String) -> Bool) throws {
        training = try training.freezingParameters(isFrozen)
    }
}
