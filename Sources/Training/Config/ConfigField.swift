import Encoders
import Support

/// One field of `train.json`: its name, what it takes, what it means, and where its value goes in `Owner`, a section
/// or the whole configuration.
package struct ConfigField<Owner> {
    package let name: String
    /// What it takes, for the documentation and for errors.
    package let expectation: String
    package let meaning: String
    package let effect: ConfigEffect
    /// Whether the value is a path, relative to the file's directory.
    package let isPath: Bool
    package let json: (Owner) -> JSONValue
    /// What a value on the command line would be in the file.
    package let argument: (String) -> JSONValue
    /// `nil`, or what is expected instead.
    let set: (inout Owner, JSONValue) -> String?
    /// Whether two owners have the same value.
    let isSame: (Owner, Owner) -> Bool

    /// - Parameters:
    ///   - expectation: what values are legal, when the type does not say it all.
    ///   - isLegal: whether a value of the right type is one of them.
    ///   - hint: what to write in the place of a text that is none of them.
    init<Value: ConfigValue>(
        _ name: String, _ path: WritableKeyPath<Owner, Value>, _ meaning: String,
        expectation: String? = nil, effect: ConfigEffect = .parameters, isPath: Bool = false,
        isLegal: @escaping (Value) -> Bool = { _ in true },
        hint: @escaping (String) -> String? = { _ in nil }
    ) {
        let expectation = expectation ?? Value.expectation
        self.name = name
        self.expectation = expectation
        self.meaning = meaning
        self.effect = effect
        self.isPath = isPath
        json = { $0[keyPath: path].json }
        argument = Value.json(argument:)
        set = { config, value in
            let hint = value.string.flatMap(hint).map { "; \($0)" } ?? ""
            guard let value = Value(json: value), isLegal(value) else { return expectation + hint }
            config[keyPath: path] = value
            return nil
        }
        isSame = { $0[keyPath: path] == $1[keyPath: path] }
    }

    /// A whole number of at least `minimum`.
    init(
        _ name: String, _ path: WritableKeyPath<Owner, Int>, _ meaning: String, atLeast minimum: Int,
        effect: ConfigEffect = .parameters
    ) {
        self.init(
            name, path, meaning, expectation: "an integer of at least \(minimum)", effect: effect
        ) { (minimum...Int(Int32.max)).contains($0) }
    }

    /// A whole number of at least `minimum`, or null.
    init(
        _ name: String, _ path: WritableKeyPath<Owner, Int?>, _ meaning: String,
        atLeast minimum: Int,
        effect: ConfigEffect = .parameters
    ) {
        self.init(
            name, path, meaning, expectation: "an integer of at least \(minimum) or null",
            effect: effect
        ) { $0.map { (minimum...Int(Int32.max)).contains($0) } ?? true }
    }

    /// A share or a rate: at least 0, and less than 1 unless 1 is `included`.
    init(
        share name: String, _ path: WritableKeyPath<Owner, Double>, _ meaning: String,
        included: Bool = false
    ) {
        self.init(
            name, path, meaning,
            expectation: "a number of at least 0 and \(included ? "at most" : "less than") 1"
        ) { $0 >= 0 && (Float($0) < 1 || included && $0 == 1) }
    }

    /// A column by its name or number, or null.
    init(column name: String, _ path: WritableKeyPath<Owner, String?>, _ meaning: String) {
        let expectation = "a name, an integer of at least 0 or null"
        self.name = name
        self.expectation = expectation
        self.meaning = meaning
        effect = .parameters
        isPath = false
        json = { $0[keyPath: path].json }
        argument = String?.json(argument:)
        set = { config, value in
            let number = value.integer.flatMap { $0 >= 0 ? "\($0)" : nil }
            guard value.isNull || value.string != nil || number != nil else { return expectation }
            config[keyPath: path] = value.string ?? number
            return nil
        }
        isSame = { $0[keyPath: path] == $1[keyPath: path] }
    }

    /// A dropout rate, or null for the model's own.
    init(dropout name: String, _ path: WritableKeyPath<Owner, Double?>, _ meaning: String) {
        self.init(name, path, meaning, expectation: "a number of at least 0 and less than 1, or null") {
            $0.map { $0 >= 0 && Float($0) < 1 } ?? true
        }
    }
}

extension ConfigField {
    private init(
        _ field: ConfigField<some Any>, json: @escaping (Owner) -> JSONValue,
        set: @escaping (inout Owner, JSONValue) -> String?, isSame: @escaping (Owner, Owner) -> Bool
    ) {
        (name, expectation, meaning) = (field.name, field.expectation, field.meaning)
        (effect, isPath, argument) = (field.effect, field.isPath, field.argument)
        (self.json, self.set, self.isSame) = (json, set, isSame)
    }

    /// The field of what the owner is a part of.
    func lifted<Whole>(to part: WritableKeyPath<Whole, Owner>) -> ConfigField<Whole> {
        ConfigField<Whole>(
            self, json: { json($0[keyPath: part]) }, set: { set(&$0[keyPath: part], $1) },
            isSame: { isSame($0[keyPath: part], $1[keyPath: part]) })
    }
}

/// What another value of a field would have changed in a run that is resumed.
package enum ConfigEffect: Sendable {
    /// The parameters after each step.
    case parameters
    /// After how many steps the parameters are the result.
    case selection
    /// Neither: where files are, what is reported, what runs where.
    case none
}

/// Numbers that are used as f32, where they must be neither 0 nor infinity unless they are written so.
enum ConfigFloat {
    static let positive = "a number from 1.2e-38 to 3.4e38"
    static let expectation = "0 or \(positive)"

    /// Whether a number is 0, or positive as f32.
    static func isLegal(_ number: Double) -> Bool { number == 0 || number > 0 && Float(number).isNormal }
}
