import Encoders
import Foundation
import GraphCompiler
import Pipelines
import Support
import Text

/// A type that a field of `train.json` can have.
protocol ConfigValue: Sendable, Equatable {
    /// What is expected, in the words of an error message.
    static var expectation: String { get }

    /// `nil` when the JSON value is of another type.
    init?(json: JSONValue)

    /// What a value on the command line would be in the file. Only the type can tell whether `2024` or `null` is text.
    static func json(argument text: String) -> JSONValue

    var json: JSONValue { get }
}

extension ConfigValue {
    /// JSON where it is that, else text.
    static func json(argument text: String) -> JSONValue { parsed(text) ?? .string(text) }

    fileprivate static func parsed(_ text: String) -> JSONValue? {
        try? JSONValue(parsing: text.utf8)
    }

    /// Text without quotes, or within them as JSON has it.
    fileprivate static func string(_ text: String) -> JSONValue {
        if case .string(let quoted) = parsed(text) { .string(quoted) } else { .string(text) }
    }
}

extension Int: ConfigValue {
    static var expectation: String { "an integer" }

    init?(json: JSONValue) {
        // 1e3 is an integer as well.
        guard let value = json.integer else { return nil }
        self = value
    }

    var json: JSONValue { .integer(self) }
}

extension Double: ConfigValue {
    static var expectation: String { "a number" }

    init?(json: JSONValue) {
        guard let value = json.double else { return nil }
        self = value
    }

    /// A whole number reads the same whether it is written 1 or 1.0.
    var json: JSONValue { Int(exactly: self).map(JSONValue.integer) ?? .double(self) }
}

extension Bool: ConfigValue {
    static var expectation: String { "true or false" }

    init?(json: JSONValue) {
        guard case .bool(let value) = json else { return nil }
        self = value
    }

    var json: JSONValue { .bool(self) }
}

extension String: ConfigValue {
    static var expectation: String { "a string" }

    static func json(argument text: String) -> JSONValue { string(text) }

    init?(json: JSONValue) {
        guard case .string(let value) = json else { return nil }
        self = value
    }

    var json: JSONValue { .string(self) }
}

/// A type that a field can have an array of.
protocol ConfigElement: ConfigValue {
    static var arrayExpectation: String { get }
}

extension String: ConfigElement {
    static var arrayExpectation: String { "an array of strings" }
}

extension Int: ConfigElement {
    static var arrayExpectation: String { "an array of integers" }
}

extension Double: ConfigElement {
    static var arrayExpectation: String { "an array of numbers" }
}

extension Array: ConfigValue where Element: ConfigElement {
    static var expectation: String { Element.arrayExpectation }

    /// JSON, a list whose quotes the shell has taken, or the only element.
    static func json(argument text: String) -> JSONValue {
        if case .array(let values) = parsed(text) {
            return .array(
                values.map { value in
                    guard Element(json: value) == nil else { return value }
                    return switch value {
                    case .array, .object, .string: value
                    case .number(let number): Element.json(argument: "\(number)")
                    case .bool(let flag): Element.json(argument: "\(flag)")
                    case .null: Element.json(argument: "null")
                    }
                })
        }
        guard text.hasPrefix("["), text.hasSuffix("]") else { return .array([Element.json(argument: text)]) }
        let elements = text.dropFirst().dropLast().split(separator: ",", omittingEmptySubsequences: false)
        return .array(
            elements.map { Element.json(argument: $0.trimmingCharacters(in: .whitespaces)) })
    }

    init?(json: JSONValue) {
        guard case .array(let values) = json else { return nil }
        let elements = values.compactMap { Element(json: $0) }
        guard elements.count == values.count else { return nil }
        self = elements
    }

    var json: JSONValue { .array(map(\.json)) }
}

extension Optional: ConfigValue where Wrapped: ConfigValue {
    static var expectation: String { "\(Wrapped.expectation) or null" }

    static func json(argument text: String) -> JSONValue {
        text == "null" ? .null : Wrapped.json(argument: text)
    }

    init?(json: JSONValue) {
        if json == .null {
            self = .none
        } else if let value = Wrapped(json: json) {
            self = .some(value)
        } else {
            return nil
        }
    }

    var json: JSONValue { self?.json ?? .null }
}

/// A field that takes one name out of a closed set.
protocol ConfigChoice: ConfigValue, RawRepresentable<String>, CaseIterable {}

extension ConfigChoice {
    static var expectation: String {
        "one of " + allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    }

    static func json(argument text: String) -> JSONValue { string(text) }

    init?(json: JSONValue) {
        guard case .string(let name) = json else { return nil }
        self.init(rawValue: name)
    }

    var json: JSONValue { .string(rawValue) }
}

/// A value that is written as text of a form that it checks itself.
protocol ConfigText: ConfigValue, RawRepresentable<String> {}

extension ConfigText {
    static func json(argument text: String) -> JSONValue { string(text) }

    init?(json: JSONValue) {
        guard case .string(let text) = json else { return nil }
        self.init(rawValue: text)
    }

    var json: JSONValue { .string(rawValue) }
}

extension Recompute: ConfigText {
    static var expectation: String { "\"none\", \"layer\", \"every(k)\" with k of at least 1, or \"auto\"" }
}

extension LayerSharing: ConfigText {
    static var expectation: String { "\"none\", \"all\", \"groups(n)\", \"attention\" or \"ffn\"" }
}

extension TrainingTask: ConfigChoice {}
extension Metric: ConfigChoice {}
extension Optimizer: ConfigChoice {}
extension OptimizerStates: ConfigChoice {}
extension BatchingMode: ConfigChoice {}
extension DataFormat: ConfigChoice {}
extension TableHeader: ConfigChoice {}
extension Truncation: ConfigChoice {}
extension LearningRateSchedule.Shape: ConfigChoice {}
extension CompilerOptions.MatmulLowering: ConfigChoice {}
extension Precision: ConfigChoice {}
extension AttentionGates.Form: ConfigChoice {}
extension Distillation.StateLoss: ConfigChoice {}
extension EncoderPooling: ConfigChoice {}
extension LossName: ConfigChoice {}
extension DistanceMetric: ConfigChoice {}
