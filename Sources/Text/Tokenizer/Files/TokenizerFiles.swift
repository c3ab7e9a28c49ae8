import Foundation
import Support

/// The files of a tokeniser as they are in its directory.
package struct TokenizerFiles: Sendable {
    /// A file that says something about a tokeniser.
    enum Name: String, CaseIterable, Sendable {
        case vocabulary = "vocab.txt"
        case identifiers = "vocab.json"
        case merges = "merges.txt"
        case sentencePieceBPE = "sentencepiece.bpe.model"
        case sentencePiece = "spiece.model"
        case sentencePieceShort = "spm.model"
        case document = "tokenizer.json"
        case config = "tokenizer_config.json"
        case specialTokens = "special_tokens_map.json"
        case addedTokens = "added_tokens.json"

        fileprivate var expected: String {
            switch self {
            case .vocabulary: "a vocabulary with one token per line"
            case .identifiers: "ids by token"
            case .merges: "pairs of tokens that merge, one per line"
            case .sentencePieceBPE, .sentencePiece, .sentencePieceShort: "a SentencePiece model"
            case .document: "a tokeniser"
            case .config: "a tokeniser configuration"
            case .specialTokens: "special tokens by name"
            case .addedTokens: "ids by token"
            }
        }

        /// Files with a vocabulary, a directory must have one of them.
        static let vocabularies: [Name] = [
            .document, .vocabulary, .identifiers, .sentencePieceBPE, .sentencePiece, .sentencePieceShort,
        ]
    }

    /// The directory, or the one file that was named.
    let path: String
    private(set) var sources: [Name: SourceFile] = [:]
    /// The model's configuration, if it is in the directory.
    private(set) var modelConfig: SourceFile?

    private static let expected =
        "a directory with tokenizer.json, vocab.txt, vocab.json and merges.txt or a SentencePiece model, or one of the "
        + "first two"

    /// - Parameter path: a directory, or a file with a vocabulary.
    /// - Throws: `FileError` when there is no tokeniser, or a file cannot be read; `TextError` for one that is not text.
    init(_ path: String) throws {
        self.path = path
        let manager = FileManager.default
        var isDirectory: ObjCBool = false
        guard manager.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw FileError(unreadable: path, message: "no such tokeniser; expected \(Self.expected)")
        }
        guard isDirectory.boolValue else {
            let isDocument = path.utf8.reversed().starts(with: ".json".utf8.reversed())
            let name = isDocument ? Name.document : .vocabulary
            sources[name] = try SourceFile(path: path, expected: "a vocabulary (vocab.txt or tokenizer.json)")
            return
        }
        func child(_ name: String, _ expected: String) throws -> SourceFile? {
            let file = (path as NSString).appendingPathComponent(name)
            return manager.fileExists(atPath: file) ? try SourceFile(path: file, expected: expected) : nil
        }
        for name in Name.allCases {
            switch name {
            case .sentencePieceBPE, .sentencePiece, .sentencePieceShort:
                let file = (path as NSString).appendingPathComponent(name.rawValue)
                guard manager.fileExists(atPath: file) else { continue }
                sources[name] = SourceFile(path: file, bytes: [UInt8](try readFile(file)))
            default: sources[name] = try child(name.rawValue, name.expected)
            }
        }
        modelConfig = try child("config.json", "a model's configuration")
        guard Name.vocabularies.contains(where: { sources[$0] != nil }) else { throw Self.missing(at: path) }
    }

    static func missing(at path: String) -> FileError {
        FileError(
            unreadable: path,
            message:
                "holds no tokenizer.json, no vocab.txt and no other vocabulary; expected \(Self.expected)")
    }

    /// Whether a directory has a file with a vocabulary.
    package static func exist(in directory: String) -> Bool {
        Name.vocabularies.contains {
            FileManager.default.fileExists(
                atPath: (directory as NSString).appendingPathComponent($0.rawValue))
        }
    }

    /// Files with these contents, for a tokeniser that was not loaded.
    init(vocabulary: Vocabulary) {
        path = ""
        let text = vocabulary.tokens.joined(separator: "\n") + "\n"
        sources[.vocabulary] = SourceFile(path: Name.vocabulary.rawValue, bytes: Array(text.utf8))
    }

    /// A `tokenizer.json` with its settings, for a tokeniser that was not loaded.
    init(document: JSONObject, config: JSONObject) {
        path = ""
        set(.document, to: document)
        set(.config, to: config)
    }

    subscript(name: Name) -> SourceFile? { sources[name] }

    /// Gives a file other contents, to be saved with them.
    mutating func set(_ name: Name, to object: JSONObject) {
        let text = JSONValue.object(object).text(.indented)
        sources[name] = SourceFile(path: sources[name]?.path ?? name.rawValue, bytes: Array(text.utf8))
    }

    /// An object in one of the files; `nil` when there is no such file.
    func object(_ name: Name) throws(TextError) -> (members: JSONObject, file: String)? {
        guard let source = sources[name] else { return nil }
        return (try TokenizerFiles.object(in: source), source.path)
    }

    /// A text of the model's configuration, such as the class that it names for its tokeniser.
    func modelSetting(_ name: String) throws(TextError) -> (text: String, file: String)? {
        guard let modelConfig, let text = try TokenizerFiles.object(in: modelConfig)[name]?.string else {
            return nil
        }
        return (text, modelConfig.path)
    }

    private static func object(in source: SourceFile) throws(TextError) -> JSONObject {
        let json = try source.json()
        guard let object = json.object else {
            throw TextError(.invalidJSON, file: source.path, "is \(json.kind); expected an object")
        }
        return object
    }
}
