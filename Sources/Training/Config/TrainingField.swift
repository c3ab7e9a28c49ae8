import Encoders
import Support

/// One field of `train.json`: its name, what it takes, what it means, and where its value goes.
package struct TrainingField {
    package let name: String
    /// What it takes, for the documentation and for errors.
    package let expectation: String
    package let meaning: String
    /// Whether another value would have made other parameters of a run that is resumed.
    package let shapesResult: Bool
    package let json: (TrainingConfig) -> JSONValue
    /// What a value on the command line would be in the file.
    package let argument: (String) -> JSONValue
    /// `nil`, or what is expected instead.
    let set: (inout TrainingConfig, JSONValue) -> String?

    /// - Parameters:
    ///   - expectation: what values are legal, when the type does not say it all.
    ///   - isLegal: whether a value of the right type is one of them.
    init<Value: ConfigValue>(
        _ name: String, _ path: WritableKeyPath<TrainingConfig, Value>, _ meaning: String,
        expectation: String? = nil, shapesResult: Bool = true,
        isLegal: @escaping (Value) -> Bool = { _ in true }
    ) {
        let expectation = expectation ?? Value.expectation
        self.name = name
        self.expectation = expectation
        self.meaning = meaning
        self.shapesResult = shapesResult
        json = { $0[keyPath: path].json }
        argument = Value.json(argument:)
        set = { config, value in
            guard let value = Value(json: value), isLegal(value) else { return expectation }
            config[keyPath: path] = value
            return nil
        }
    }

    /// A whole number of at least `minimum`.
    init(
        _ name: String, _ path: WritableKeyPath<TrainingConfig, Int>, _ meaning: String, atLeast minimum: Int,
        shapesResult: Bool = true
    ) {
        self.init(
            name, path, meaning, expectation: "an integer of at least \(minimum)", shapesResult: shapesResult
        ) { (minimum...Int(Int32.max)).contains($0) }
    }

    /// A whole number of at least `minimum`, or null.
    init(
        _ name: String, _ path: WritableKeyPath<TrainingConfig, Int?>, _ meaning: String,
        atLeast minimum: Int,
        shapesResult: Bool = true
    ) {
        self.init(
            name, path, meaning, expectation: "an integer of at least \(minimum) or null",
            shapesResult: shapesResult
        ) { $0.map { (minimum...Int(Int32.max)).contains($0) } ?? true }
    }

    static let positiveFloat = "a number from 1.2e-38 to 3.4e38"
    static let float = "0 or \(positiveFloat)"

    /// Whether a number is 0 or positive, and neither 0 nor infinity where it is used, as f32.
    static func isFloat(_ number: Double) -> Bool { number == 0 || number > 0 && Float(number).isNormal }

    /// A share or a rate: at least 0, and less than 1 unless 1 is `included`.
    init(
        share name: String, _ path: WritableKeyPath<TrainingConfig, Double>, _ meaning: String,
        included: Bool = false
    ) {
        self.init(
            name, path, meaning,
            expectation: "a number of at least 0 and \(included ? "at most" : "less than") 1"
        ) { $0 >= 0 && (Float($0) < 1 || included && $0 == 1) }
    }

    /// A column by its name or number, or null.
    init(column name: String, _ path: WritableKeyPath<TrainingConfig, String?>, _ meaning: String) {
        let expectation = "a name, an integer of at least 0 or null"
        self.name = name
        self.expectation = expectation
        self.meaning = meaning
        shapesResult = true
        json = { $0[keyPath: path].json }
        argument = String?.json(argument:)
        set = { config, value in
            let number = value.integer.flatMap { $0 >= 0 ? "\($0)" : nil }
            guard value.isNull || value.string != nil || number != nil else { return expectation }
            config[keyPath: path] = value.string ?? number
            return nil
        }
    }

    /// A dropout rate, or null for the model's own.
    init(dropout name: String, _ path: WritableKeyPath<TrainingConfig, Double?>, _ meaning: String) {
        self.init(name, path, meaning, expectation: "a number of at least 0 and less than 1, or null") {
            $0.map { $0 >= 0 && Float($0) < 1 } ?? true
        }
    }
}
