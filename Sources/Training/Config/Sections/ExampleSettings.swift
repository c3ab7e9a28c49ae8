import Encoders
import Support

/// How much examples count, and which of them are kept for validation.
public struct ExampleSettings: Sendable, Equatable {
    /// How much labels count beside one another; all alike when `nil`.
    public var classWeights: ClassWeights?
    /// The column or member with an example's weight, by name or number from 0; none when `nil`.
    public var weightColumn: String?
    /// The share of the training data that is taken for validation, 0 to less than 1.
    public var validationShare = 0.0

    /// Whether the loss has weights.
    var areWeighted: Bool { classWeights != nil || weightColumn != nil }
}

/// How much the examples of labels count in the loss.
public enum ClassWeights: Sendable, Equatable {
    /// Each label as if it were as frequent as the others: examples / (labels · examples of the label), as scikit-learn has it.
    case balanced
    /// A number for each label.
    case numbers([ClassWeight])
}

/// How much the examples of one label count in the loss.
public struct ClassWeight: Sendable, Equatable {
    /// The label as data spell it.
    public var label: String
    /// More than 0; 1 counts as usual.
    public var weight: Double

    /// A weight for a label.
    public init(_ label: String, _ weight: Double) { (self.label, self.weight) = (label, weight) }
}

extension ClassWeights: ConfigValue {
    static var expectation: String { "\"balanced\" or an object with a positive number for each label" }

    init?(json: JSONValue) {
        if json.string == "balanced" {
            self = .balanced
            return
        }
        guard let members = json.object?.members, !members.isEmpty else { return nil }
        var numbers: [ClassWeight] = []
        for (label, value) in members {
            guard let number = value.double, number > 0, Float(number).isNormal else { return nil }
            numbers.append(ClassWeight(label, number))
        }
        self = .numbers(numbers)
    }

    var json: JSONValue {
        switch self {
        case .balanced: .string("balanced")
        case .numbers(let numbers):
            .object(numbers.map { ($0.label, $0.weight.json) })
        }
    }
}

extension ClassWeights {
    /// The weight of each label.
    ///
    /// - Parameters:
    ///   - labels: the labels by id.
    ///   - ids: those of the training data.
    /// - Throws: `ConfigError` for labels without a weight, and weights of labels that there are not.
    func values(_ labels: [String], of ids: some Sequence<Int32>, file: String) throws -> [Float] {
        func error(_ problem: String) -> ConfigError {
            ConfigError(file: file, field: "classWeights", problem: problem)
        }
        switch self {
        case .balanced:
            var counts = [Int](repeating: 0, count: labels.count)
            for id in ids { counts[Int(id)] += 1 }
            let present = counts.count { $0 > 0 }
            let total = Double(counts.reduce(0, +))
            // A label without examples has no loss either.
            return counts.map { $0 == 0 ? 1 : Float(total / Double(present * $0)) }
        case .numbers(let numbers):
            let byKey = Dictionary(numbers.map { (TextKey($0.label), $0.weight) }) { $1 }
            let known = Set(labels.map { TextKey($0) })
            if let strange = byKey.keys.filter({ !known.contains($0) }).min() {
                throw error("has \"\(strange)\", which is none of the labels \(Formatted.list(labels))")
            }
            return try labels.map { label in
                guard let weight = byKey[TextKey(label)] else {
                    throw error(
                        "has no number for the label \"\(label)\"; give one for each, 1 for those that count as usual"
                    )
                }
                return Float(weight)
            }
        }
    }
}

extension ExampleSettings: ConfigSection {
    package static var fields: [ConfigField<Self>] {
        [
            .init(
                "classWeights", \.classWeights,
                "How much labels count in the training loss, such as `{\"good\": 1, \"bad\": 3}`; `\"balanced\"` makes up for their "
                    + "frequencies as scikit-learn does. null is all alike."),
            .init(
                column: "weightColumn", \.weightColumn,
                "The column or member with a positive number by which an example counts in the training loss; null is none."
            ),
            .init(
                share: "validationShare", \.validationShare,
                "The share of the training data that is kept out of it for validation: of `classification` the same share of each label, by `seed`. "
                    + "In the place of a `validationFile`."),
        ]
    }

    func check(in config: TrainingConfig) throws {
        switch config.task {
        case .classification: break
        case .regression: try config.refuseUseless(["classWeights"], "which has numbers and no labels")
        case .multiLabelClassification:
            try config.refuseUseless(["classWeights"], "whose examples have several labels; use weightColumn")
        case .questionAnswering:
            try config.refuseUseless(Self.fields.map(\.name), "whose questions have no labels")
        case .tokenClassification:
            try config.refuseUseless(
                ["weightColumn"], "whose words have no weights of their own; use classWeights")
        case .glue(let task):
            try config.refuseUseless(["weightColumn", "validationShare"], "whose files are in 'data'")
            if TrainingTask.glue(task).isRegression {
                try config.refuseUseless(["classWeights"], "which has numbers and no labels")
            }
        case .multipleChoice, .embedding, .reranking:
            try config.refuseUseless(Self.fields.map(\.name), "whose examples are groups of texts")
        case .pretrain:
            try config.refuseUseless(
                Self.fields.map(\.name), "whose texts have no labels; heldOutShare keeps documents")
        }
        if classWeights != nil, config.optimizer.labelSmoothing > 0 {
            throw config.error(
                "classWeights",
                "does not go with labelSmoothing, which gives all labels the same share; remove one of them")
        }
        if validationShare > 0, let file = config.data.validationFile, !file.isEmpty {
            throw config.error("validationShare", "does not go with a validationFile; remove one of them")
        }
    }
}
