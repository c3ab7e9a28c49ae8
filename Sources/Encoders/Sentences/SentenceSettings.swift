import Foundation
import Support

/// A `config_sentence_transformers.json`: what holds for the model as a whole.
struct SentenceSettings {
    var modelType = "SentenceTransformer"
    /// Sentence-transformers has two that are empty unless the file says otherwise.
    var prompts: [TextKey: String] = ["query": "", "document": ""]
    var defaultPromptName: String?
    var truncatedWidth: Int?

    init(directory: URL) throws {
        let file = directory.appendingPathComponent("config_sentence_transformers.json")
        guard let object = try ModuleFile.object(at: file) else { return }
        let fields = ConfigFields<Key>(file: file.path, object: object)
        modelType = try fields.string(.modelType) ?? modelType
        for (name, value) in try fields.object(.prompts)?.members ?? [] {
            switch value {
            case .string(let text): prompts[TextKey(name)] = text
            case .null: prompts[TextKey(name)] = ""
            default: throw fields.error(.prompts, "has no text for '\(name)', expected one")
            }
        }
        truncatedWidth = try fields.integer(.truncatedWidth)
        if let width = truncatedWidth, width < 1 {
            throw fields.error(.truncatedWidth, "is \(width), expected at least 1")
        }
        defaultPromptName = try fields.string(.defaultPrompt)
        if let name = defaultPromptName, prompts[TextKey(name)] == nil {
            let legal = prompts.keys.sorted().map(\.text).joined(separator: ", ")
            throw fields.error(.defaultPrompt, "is '\(name)', which is not among the prompts: \(legal)")
        }
    }

    private enum Key: String, CaseIterable {
        case modelType = "model_type"
        case prompts
        case defaultPrompt = "default_prompt_name"
        case truncatedWidth = "truncate_dim"
    }
}
