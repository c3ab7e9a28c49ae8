import Encoders

/// What a run learns from a teacher, if there is one.
public struct DistillationSettings: Sendable, Equatable {
    /// The directory of a model for the same task; none when `nil`.
    public var teacher: String?
    /// What logits of both are divided by.
    public var temperature = 2.0
    /// The teacher's share of the loss, from 0 to 1.
    public var weight = 0.5
    /// How states of layers are compared; nil when they are not.
    public var stateLoss: Distillation.StateLoss?
    /// What the loss of states is multiplied by.
    public var stateWeight = 1.0
    /// For each layer of the student the teacher's layer whose states it learns, counted from 0; the last ones alone when empty.
    public var stateLayers: [Int] = []
    /// The teacher's layers that a fresh student starts as, counted from 0, one for each of its own; none when empty.
    public var initialLayers: [Int] = []
}

extension DistillationSettings: ConfigSection {
    package static var fields: [ConfigField<Self>] {
        [
            .init(
                "teacher", \.teacher,
                "A directory with a model for the same task and labels, whose answers the model learns as well "
                    + "([below](#learning-from-a-teacher)); for `MSELoss` and `MarginMSELoss` of `embedding` one whose vectors are "
                    + "learned from, in place of numbers in the data.", isPath: true),
            .init(
                "temperature", \.temperature,
                "What the logits of both are divided by before they are compared.",
                expectation: ConfigFloat.positive
            ) { Float($0).isNormal && $0 > 0 },
            .init(
                share: "distillationWeight", \.weight,
                "The teacher's share of the loss; that of the labels has the rest.", included: true),
            .init(
                "hiddenStateLoss", \.stateLoss,
                "How states of layers are compared with the teacher's: the mean of 1 - cos, or of squared differences; null "
                    + "is not at all.", expectation: "\"cosine\", \"mse\" or null"),
            .init(
                "hiddenStateWeight", \.stateWeight, "What that loss is multiplied by.",
                expectation: ConfigFloat.positive
            ) { Float($0).isNormal && $0 > 0 },
            .init(
                "hiddenStateLayers", \.stateLayers,
                "For each of the model's layers the teacher's layer that it is compared with, counted from 0; [] compares "
                    + "the last ones.", expectation: Self.layers
            ) { $0.allSatisfy { $0 >= 0 } },
            .init(
                "initFromLayers", \.initialLayers,
                "The teacher's layers that a fresh model (a `model.json`) starts as, one for each of its own, counted from 0, such "
                    + "as [0, 2, 4]; with its embeddings and its head.", expectation: Self.layers
            ) { $0.allSatisfy { $0 >= 0 } },
        ]
    }

    private static let layers = "an array of integers of at least 0"

    func check(in config: TrainingConfig) throws {
        let names = Self.fields.map(\.name)
        if teacher == nil {
            try config.refuse(Array(names.dropFirst())) {
                "has no effect without 'teacher'; name a model's directory, or remove this"
            }
        }
        switch config.task {
        case .classification, .regression, .tokenClassification, .glue: break
        case .embedding:
            try config.refuseUseless(Array(names.dropFirst()), "whose teacher gives vectors alone")
        case .multiLabelClassification, .questionAnswering, .multipleChoice, .reranking, .pretrain:
            try config.refuseUseless(names, "whose losses are not those that a teacher takes part in")
        }
        if stateLoss == nil {
            try config.refuse(["hiddenStateWeight", "hiddenStateLayers"]) {
                "has no effect without 'hiddenStateLoss'; set that, or remove this"
            }
        }
        if config.task.isRegression {
            try config.refuse(["temperature"]) {
                "has no effect for numbers, which have no softmax; remove it"
            }
        }
    }
}
