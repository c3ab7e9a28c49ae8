import ArgumentParser
import BERT
import Foundation
import Training

/// Fields of `train.json` given on the command line as `field=value`.
struct ConfigOverrides {
    /// Fields that hold paths: on the command line they start from the working directory, in the file from
    /// the file's directory.
    private static let paths: Set = [
        "model", "tokenizer", "trainFile", "validationFile", "testFile", "outputDirectory", "resume",
    ]

    private let fields: [(name: String, value: JSONValue)]

    /// - Throws: `ValidationError` for an item without `=`.
    init(_ items: [String]) throws {
        fields = try items.map { item in
            guard let separator = item.firstIndex(of: "="), separator > item.startIndex else {
                throw ValidationError("--set is '\(item)'; expected field=value such as epochs=1")
            }
            let name = String(item[..<separator])
            return (name, Self.value(String(item[item.index(after: separator)...]), of: name))
        }
    }

    func apply(to config: inout TrainingConfig) throws {
        let file = config.file
        config.file = "--set"
        for field in fields { try config.set(field.name, field.value) }
        config.file = file
        try config.validate()
    }

    /// JSON where it is that (`1`, `0.5`, `true`, `null`, `["a*"]`), else text.
    private static func value(_ text: String, of name: String) -> JSONValue {
        let value = (try? JSONValue(parsing: Data(text.utf8))) ?? .string(text)
        guard paths.contains(name), case .string(let path) = value, !path.isEmpty, path != "latest" else {
            return value
        }
        return .string(URL(fileURLWithPath: path).path)
    }
}
