import Encoders
import Foundation
import Support
import Testing

@testable import Pipelines
@testable import Text

/// sentence-transformers directories next to sentence-transformers itself (`Fixtures/sentence-transformers/make.py`).
@Suite struct SentenceModulesTests {
    private static let fixtures = Bundle.module.bundleURL.appendingPathComponent(
        "Fixtures/sentence-transformers")

    private struct Expected: Decodable {
        let texts: [String]
        let vectors: [[Float]]
        let prompt: String?
        let promptName: String?
        let normalizeEmbeddings: Bool?

        init(of folder: URL) throws {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            self = try decoder.decode(
                Expected.self, from: Data(contentsOf: folder.appendingPathComponent("expected.json")))
        }

        var chosenPrompt: EmbeddingPrompt {
            prompt.map(EmbeddingPrompt.text) ?? promptName.map(EmbeddingPrompt.named) ?? .usual
        }
    }

    @Test(arguments: 0..<8)
    func vectorsAreSentenceTransformers(index: Int) throws {
        let folder = Self.fixtures.appendingPathComponent("small-\(index)")
        let expected = try Expected(of: folder)
        let pipeline = try EncoderPipeline(contentsOf: folder.path)
        let inputs = expected.texts.map { TextPair($0) }
        let vectors = try pipeline.embed(
            inputs, normalize: expected.normalizeEmbeddings ?? false, prompt: expected.chosenPrompt)
        for (vector, right) in zip(vectors, expected.vectors) {
            #expect(vector.count == right.count)
            for (a, b) in zip(vector, right) { #expect(abs(a - b) <= 1e-5 * max(1, abs(b))) }
        }
        // A text's vector is the same whatever it is embedded with.
        let alone = try pipeline.embed(
            [inputs[1]], normalize: expected.normalizeEmbeddings ?? false, prompt: expected.chosenPrompt)
        #expect(alone[0] == vectors[1])
    }

    /// A copy of a fixture with a changed file, and what is said of it.
    @Test(arguments: [
        (
            "modules.json",
            #"[{"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}, {"path": "1_CNN", "type": "sentence_transformers.models.CNN"}]"#,
            "sentence_transformers.models.CNN, which is not run here"
        ),
        (
            "modules.json",
            #"[{"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}, {"path": "", "type": "sentence_transformers.models.Normalize"}]"#,
            "stands before a Pooling"
        ),
        (
            "modules.json", #"[{"path": "../x", "type": "sentence_transformers.models.Transformer"}]"#,
            "path '../x'"
        ),
        (
            "modules.json", #"[{"path": "", "type": "sentence_transformers.models.WordEmbeddings"}]"#,
            "WordEmbeddings"
        ),
        ("modules.json", "{", "modules.json: is not valid JSON at line 1"),
        (
            "4_Dense/config.json", #"{"in_features": 99, "out_features": 3}"#,
            "'linear.weight'|linear.weight is"
        ),
        ("4_Dense/config.json", #"{"in_features": 99, "out_features": 3, "bias": false}"#, "linear"),
        (
            "4_Dense/config.json",
            #"{"in_features": 9, "out_features": 3, "activation_function": "torch.nn.modules.activation.PReLU"}"#,
            "'activation_function' is 'torch.nn.modules.activation.PReLU', expected torch.nn's Identity"
        ),
        (
            "2_Pooling/config.json", #"{"pooling_mode": "median"}"#,
            "'pooling_mode' is 'median', expected some of"
        ),
        (
            "2_Pooling/config.json", #"{"pooling_mode_sum_tokens": true}"#,
            "'pooling_mode_sum_tokens' is not a known"
        ),
        ("0_Transformer/sentence_bert_config.json", #"{"max_seq_length": "8"}"#, "'max_seq_length'"),
        ("0_Transformer/sentence_bert_config.json", #"{"max_seq_length": 2}"#, "allows 2 tokens"),
        (
            "0_Transformer/sentence_bert_config.json", #"{"transformer_task": "fill-mask"}"#,
            "'transformer_task'"
        ),
        (
            "0_Transformer/sentence_bert_config.json", #"{"tokenizer_args": {"add_special_tokens": false}}"#,
            "'tokenizer_args' sets"
        ),
        (
            "config_sentence_transformers.json", #"{"default_prompt_name": "q", "prompts": {"a": "b"}}"#,
            "not among the prompts: a"
        ),
    ])
    func whatIsNotRunIsRefusedByName(file: String, contents: String, message: String) throws {
        let folder = try Self.copy("small-1")
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(contents.utf8).write(to: folder.appendingPathComponent(file))
        do {
            let pipeline = try EncoderPipeline(contentsOf: folder.path)
            _ = try pipeline.vectorWidth()
            Issue.record("\(file) was accepted")
        } catch {
            let parts = message.split(separator: "|")
            #expect(parts.contains { "\(error)".contains($0) }, "\(error)")
            #expect(!"\(error)".contains("\n"))
        }
    }

    /// A list of the encoder alone, which sentence-transformers cannot use, gives means.
    @Test func withoutAPoolingVectorsAreMeans() throws {
        let folder = try Self.copy("small-1")
        defer { try? FileManager.default.removeItem(at: folder) }
        let list = #"[{"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}]"#
        try Data(list.utf8).write(to: folder.appendingPathComponent("modules.json"))
        let pipeline = try EncoderPipeline(contentsOf: folder.path)
        #expect(pipeline.notes.contains { $0.contains("no Pooling") })
        #expect(try pipeline.embed(["a film"]) == pipeline.embed(["a film"], pooling: .mean))
    }

    @Test func aModuleWithAPickleOnlyIsRefused() throws {
        let folder = try Self.copy("small-1")
        defer { try? FileManager.default.removeItem(at: folder) }
        let dense = folder.appendingPathComponent("4_Dense")
        try FileManager.default.moveItem(
            at: dense.appendingPathComponent("model.safetensors"),
            to: dense.appendingPathComponent("pytorch_model.bin"))
        #expect(throws: CheckpointError.pickleOnly(directory: dense.path)) {
            _ = try EncoderPipeline(contentsOf: folder.path)
        }
    }

    /// The length of a module's file stands above the tokeniser's, and one that is asked for above both.
    @Test func lengthsOfTheFilesHold() throws {
        let folder = try Self.copy("small-1")
        defer { try? FileManager.default.removeItem(at: folder) }
        let encoder = folder.appendingPathComponent("0_Transformer")
        let module = encoder.appendingPathComponent("sentence_bert_config.json")
        func set(_ text: String, _ url: URL) throws { try Data(text.utf8).write(to: url) }
        try set("{}", encoder.appendingPathComponent("sentence_roberta_config.json"))
        try set(#"{"model_max_length": 6}"#, encoder.appendingPathComponent("tokenizer_config.json"))
        #expect(try EncoderPipeline(contentsOf: folder.path).maxLength == 6)
        try set(#"{"max_seq_length": 9}"#, module)
        #expect(try EncoderPipeline(contentsOf: folder.path).maxLength == 9)
        try set(#"{"max_seq_length": null}"#, module)
        #expect(try EncoderPipeline(contentsOf: folder.path).maxLength == 6)
        let asked = try EncoderPipeline(contentsOf: folder.path, options: .init(maxLength: 12))
        #expect(asked.maxLength == 12 && asked.notes.contains { $0.contains("allows 6 tokens; 12 are used") })
        try set(
            #"{"model_max_length": 1000000000000000019884624838656}"#,
            encoder.appendingPathComponent("tokenizer_config.json"))
        let free = try EncoderPipeline(contentsOf: folder.path)
        #expect(free.maxLength == free.config.maxPositions)
    }

    /// `do_lower_case` and the length of a module stay with the tokeniser when it is saved without the module.
    @Test func whatAModuleChangesInTheTokenizerIsSaved() throws {
        let folder = try Self.copy("small-1")
        defer { try? FileManager.default.removeItem(at: folder) }
        let encoder = folder.appendingPathComponent("0_Transformer")
        try Data(#"{"do_lower_case": false}"#.utf8).write(
            to: encoder.appendingPathComponent("tokenizer_config.json"))
        try Data(#"{"do_lower_case": true, "max_seq_length": 9}"#.utf8).write(
            to: encoder.appendingPathComponent("sentence_bert_config.json"))
        let tokenizer = try ModelDirectory(folder.path).tokenizer()
        let plain = try TokenizerSource(contentsOf: encoder.path).tokenizer()
        let text = "CAFÉ [SEP] Film"
        // Special tokens are found as they are, and accents stay.
        #expect(try tokenizer.encode(text) == plain.encode("café [SEP] film"))
        #expect(try tokenizer.encode(text) != plain.encode(text))
        let saved = folder.appendingPathComponent("saved").path
        try tokenizer.save(to: saved)
        let again = try TokenizerSource(contentsOf: saved).tokenizer()
        #expect(try again.encode(text) == tokenizer.encode(text) && again.modelMaxLength == 9)
    }

    private static func copy(_ name: String) throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.copyItem(at: fixtures.appendingPathComponent(name), to: folder)
        return folder
    }
}
