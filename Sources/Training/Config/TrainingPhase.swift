import Encoders
import Support

/// A part of pre-training with a length, batches and a learning rate of its own.
public struct TrainingPhase: Sendable, Hashable {
    /// Steps of the phase.
    public var steps: Int
    /// Each replaces the configuration's field when it is not `nil`; `length` replaces `maxLength`.
    public var length: Int?
    public var batchSize: Int?
    public var learningRate: Double?
    public var warmupRatio: Double?
    public var warmupSteps: Int?
    public var gradientAccumulation: Int?

    public init(steps: Int) { self.steps = steps }

    /// The configuration as it is in the phase.
    func applied(to config: TrainingConfig) -> TrainingConfig {
        var config = config
        config.maxSteps = steps
        config.maxLength = length ?? config.maxLength
        config.batchSize = batchSize ?? config.batchSize
        config.learningRate = learningRate ?? config.learningRate
        if warmupRatio != nil || warmupSteps != nil { config.warmupSteps = warmupSteps }
        config.warmupRatio = warmupRatio ?? config.warmupRatio
        config.gradientAccumulation = gradientAccumulation ?? config.gradientAccumulation
        return config
    }
}

extension TrainingPhase: ConfigElement {
    static var expectation: String {
        #"a phase such as {"length": 128, "steps": 9000, "batchSize": 256, "learningRate": 6e-3, "#
            + #""warmupRatio": 0.28} ("warmupSteps" and "gradientAccumulation" are possible too; only "steps" is required)"#
    }

    static var arrayExpectation: String { "an array, each element " + expectation }

    private static let names: Set = [
        "steps", "length", "batchSize", "learningRate", "warmupRatio", "warmupSteps", "gradientAccumulation",
    ]

    init?(json: JSONValue) {
        guard case .object(let object) = json, Self.names.isSuperset(of: object.names) else { return nil }
        /// The value of a member; `.some(nil)` without it, `nil` when it is not legal.
        func member<Value: ConfigValue>(_ name: String, _ isLegal: (Value) -> Bool) -> Value?? {
            guard let value = object[name], value != .null else { return .some(nil) }
            guard let value = Value(json: value), isLegal(value) else { return nil }
            return value
        }
        let counts = 1...Int(Int32.max)
        guard let steps = object["steps"].flatMap({ Int(json: $0) }), counts.contains(steps),
            let length = member("length", { $0 >= 5 && counts.contains($0) }),
            let batchSize = member("batchSize", counts.contains),
            let learningRate = member("learningRate", TrainingField.isFloat),
            let warmupRatio = member("warmupRatio", { (share: Double) in (0...1).contains(share) }),
            let warmupSteps = member("warmupSteps", { $0 == 0 || counts.contains($0) }),
            let gradientAccumulation = member("gradientAccumulation", counts.contains)
        else { return nil }
        (self.steps, self.length, self.batchSize) = (steps, length, batchSize)
        (self.learningRate, self.warmupRatio, self.warmupSteps) = (learningRate, warmupRatio, warmupSteps)
        self.gradientAccumulation = gradientAccumulation
    }

    var json: JSONValue {
        let members: [(String, JSONValue)] = [
            ("steps", steps.json), ("length", length.json), ("batchSize", batchSize.json),
            ("learningRate", learningRate.json), ("warmupRatio", warmupRatio.json),
            ("warmupSteps", warmupSteps.json), ("gradientAccumulation", gradientAccumulation.json),
        ]
        return .object(members.filter { $0.1 != .null })
    }
}
