import Encoders
import Support

/// A part of pre-training with a length, batches and a learning rate of its own.
public struct TrainingPhase: Sendable, Hashable {
    /// Steps of the phase.
    public var steps: Int
    /// Each replaces the configuration's field when it is not `nil`; `length` replaces `maxLength`.
    public var length: Int?
    /// The greatest number of sequences in a batch; the run's own when `nil`.
    public var batchSize: Int?
    /// The learning rate at the end of the warm-up; the run's own when `nil`.
    public var learningRate: Double?
    /// Warm-up as a share of the phase's steps, 0 to 1; the run's own when `nil`.
    public var warmupRatio: Double?
    /// Warm-up in steps, instead of `warmupRatio`; the run's own when `nil`.
    public var warmupSteps: Int?
    /// Batches whose gradients a step adds up; the run's own when `nil`.
    public var gradientAccumulation: Int?

    /// A phase of so many steps that is otherwise as the run.
    public init(steps: Int) { self.steps = steps }

    /// The configuration as it is in the phase.
    func applied(to config: TrainingConfig) -> TrainingConfig {
        var config = config
        config.optimizer.maxSteps = steps
        config.data.maxLength = length ?? config.data.maxLength
        config.batches.size = batchSize ?? config.batches.size
        config.optimizer.learningRate = learningRate ?? config.optimizer.learningRate
        if warmupRatio != nil || warmupSteps != nil { config.optimizer.warmupSteps = warmupSteps }
        config.optimizer.warmupRatio = warmupRatio ?? config.optimizer.warmupRatio
        config.batches.gradientAccumulation = gradientAccumulation ?? config.batches.gradientAccumulation
        return config
    }
}

extension TrainingPhase: ConfigElement {
    static var expectation: String {
        #"a phase such as {"length": 128, "steps": 9000, "batchSize": 256, "learningRate": 6e-3, "#
            + #""warmupRatio": 0.28} ("warmupSteps" and "gradientAccumulation" are possible too; only "steps" is required)"#
    }

    static var arrayExpectation: String { "an array, each element " + expectation }

    private static var fields: [ConfigField<Self>] {
        [
            .init("steps", \.steps, "Steps of the phase.", atLeast: 1),
            .init("length", \.length, "Replaces `maxLength`.", atLeast: 5),
            .init("batchSize", \.batchSize, "Replaces `batchSize`.", atLeast: 1),
            .init(
                "learningRate", \.learningRate, "Replaces `learningRate`.",
                expectation: "\(ConfigFloat.expectation), or null"
            ) { $0.map(ConfigFloat.isLegal) ?? true },
            .init(
                "warmupRatio", \.warmupRatio, "Replaces `warmupRatio`.",
                expectation: "a number of at least 0 and at most 1, or null"
            ) { $0.map { (0...1).contains($0) } ?? true },
            .init("warmupSteps", \.warmupSteps, "Replaces `warmupSteps`.", atLeast: 0),
            .init(
                "gradientAccumulation", \.gradientAccumulation, "Replaces `gradientAccumulation`.", atLeast: 1
            ),
        ]
    }

    init?(json: JSONValue) {
        guard case .object(let object) = json, object["steps"] != nil else { return nil }
        self.init(steps: 0)
        for (name, value) in object.members {
            guard let field = Self.fields.first(where: { $0.name == name }), field.set(&self, value) == nil
            else { return nil }
        }
    }

    var json: JSONValue {
        .object(Self.fields.map { ($0.name, $0.json(self)) }.filter { $0.1 != .null })
    }
}
