import Foundation
import Support

extension TextDataset {
    /// One JSON object a line; blank lines are skipped.
    static func loadJSONL(path: String, options: Options) throws(TextError) -> TextDataset {
        let file = try SourceFile(path: path, expected: "a file with one JSON object a line")
        var examples: [TextExample] = []
        var lines: [Int] = []
        for (index, bytes) in file.lines.enumerated() where !bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) {
            examples.append(try example(bytes, options: options, path: path, line: index + 1))
            lines.append(index + 1)
        }
        return TextDataset(examples, textFile: path, labelFile: path, lines: lines)
    }

    private static func example(
        _ bytes: ArraySlice<UInt8>, options: Options, path: String, line: Int
    ) throws(TextError) -> TextExample {
        func failure(_ kind: TextError.Kind, _ message: String) -> TextError {
            TextError(kind, file: path, line: line, message)
        }
        let object: JSONValue
        do {
            object = try JSONParser(bytes).document().value
        } catch {
            throw failure(.invalidJSON, "not valid JSON at byte \(error.offset) of the line: \(error.reason)")
        }
        guard let members = object.object?.members else {
            throw failure(.invalidJSON, "is \(object.kind); expected an object such as {\"text\": \"...\"}")
        }
        let names = members.map(\.name)
        let usual = ColumnNames.match(names)
        /// The member that was chosen by name, else the usual one.
        func member(_ chosen: ColumnSelector?, _ usual: Int?) throws(TextError) -> JSONValue? {
            guard let chosen else { return usual.map { members[$0].value } }
            guard let name = chosen.name else {
                throw failure(.invalidColumns, "JSONL members are chosen by name, not by number")
            }
            guard let value = object[name] else {
                throw failure(
                    .invalidColumns, "has no member \"\(name)\"; members are \(names.joined(separator: ", "))"
                )
            }
            return value
        }
        guard let text = try member(options.textColumn, usual.text) else {
            throw failure(
                .invalidColumns,
                "no text among the members \(names.joined(separator: ", ")); "
                    + "expected \"text\" or \"sentence1\""
            )
        }
        let usualPair = options.textColumn == nil ? usual.pair : nil
        let pair = try member(options.pairColumn, usualPair).flatMap { $0.isNull ? nil : $0 }
        guard let textString = text.string else {
            throw failure(.invalidColumns, "the text is \(text.kind); expected a string")
        }
        if let pair, pair.string == nil {
            throw failure(.invalidColumns, "the second text is \(pair.kind); expected a string")
        }
        let label = try member(options.labelColumn, usual.label)
        return TextExample(
            text: textString, pair: pair?.string,
            label: try label.flatMap { value throws(TextError) in
                try labelText(value, failure)
            })
    }

    /// A label as text: a whole number has no decimal point, whichever way it is spelled.
    private static func labelText(
        _ value: JSONValue, _ failure: (TextError.Kind, String) -> TextError
    ) throws(TextError) -> String? {
        switch value {
        case .null: return nil
        case .string(let name): return name.trimmingCharacters(in: .whitespaces)
        case .number(let number): return number.integer.map(String.init) ?? "\(number)"
        case .bool(let flag): return "\(flag)"
        case .array, .object:
            throw failure(.invalidLabel, "the label is \(value.kind); expected a string or a number")
        }
    }
}
