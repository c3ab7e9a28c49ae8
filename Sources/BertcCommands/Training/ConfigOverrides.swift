import ArgumentParser
import Encoders
import Foundation
import Support
import Text
import Training

/// Fields of `train.json` given on the command line as `field=value`.
struct ConfigOverrides {
    /// A field with the option that sets it.
    private struct Field {
        let option: String
        let name: String
        let value: JSONValue
    }

    private let fields: [Field]

    /// - Parameters:
    ///   - options: options that stand for one field; `nil` when they were not given.
    ///   - items: the `field=value` of `--set`, which have the last word.
    /// - Throws: `ValidationError` for an item without `=`.
    init(_ options: [(option: String, name: String, value: String?)], _ items: [String]) throws {
        let own = options.compactMap { option, name, text in
            text.map { Field(option: option, name: name, value: Self.value($0, of: name)) }
        }
        fields =
            try own
            + items.map { item in
                guard let separator = item.firstIndex(of: "="), separator > item.startIndex else {
                    throw ValidationError("--set is '\(item)'; expected field=value such as epochs=1")
                }
                let name = String(item[..<separator])
                let text = String(item[item.index(after: separator)...])
                return Field(option: "--set", name: name, value: Self.value(text, of: name))
            }
    }

    /// Sets the fields; how they go together is left to `validate`.
    func apply(to config: inout TrainingConfig) throws {
        let file = config.file
        defer { config.file = file }
        for field in fields {
            config.file = field.option
            try config.set(field.name, field.value)
        }
    }

    /// What the file would have in place of `text`; paths start from the working directory here, in the file from the
    /// file's directory. That a field is not known is left to `apply`.
    private static func value(_ text: String, of name: String) -> JSONValue {
        let field = TrainingConfig.fields.first { $0.name == name }
        let value = field?.argument(text) ?? .string(text)
        return field?.isPath == true ? fromWorkingDirectory(value) : value
    }

    private static func fromWorkingDirectory(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let path):
            // "latest" is no path, "" is no file, and "-" is standard input.
            guard !["", "-", "latest"].contains(path) else { return value }
            return .string(TrainingConfig.path(path, from: FileManager.default.currentDirectoryPath))
        case .array(let values): return .array(values.map(fromWorkingDirectory))
        default: return value
        }
    }
}
