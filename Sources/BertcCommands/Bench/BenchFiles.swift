import Encoders
import Foundation
import Support
import Text

/// The model and the data of a run of `bertc bench`, in a directory that goes away with its owner.
final class BenchFiles {
    /// A model directory or a `model.json`.
    let model: String
    /// A `model.json` of the same configuration, and where its vocabulary is.
    let freshModel: String
    let tokenizer: String
    let config: EncoderConfig
    private let texts: [TextExample]
    /// Sequences in a turn over sentences.
    private let sentences: Int
    private let directory: URL

    /// - Parameters:
    ///   - model: a model directory or a `model.json`; `nil` makes a fresh model of MiniLM's size, whose vocabulary
    ///     are the words of the data.
    ///   - data: a data set with labels.
    ///   - sentences: how many of its texts to take, evenly spread.
    /// - Throws: errors that name the file.
    init(model: String?, data: String, sentences: Int) throws {
        let dataset = try TextDataset.load(
            path: data, options: TextDataset.Options(labels: .classes))
        texts = dataset.examples
        self.sentences = min(sentences, texts.count)
        config = try model.map { try EncoderConfig(contentsOf: URL(file: $0)) } ?? Self.miniLM
        directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "bertc-bench-\(UUID().uuidString)")
        try createDirectory(directory.path)
        let fresh = directory.appendingPathComponent("model.json")
        try config.json().write(to: fresh)
        freshModel = fresh.path
        self.model = model.map { URL(file: $0).path } ?? fresh.path
        if let model {
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: model, isDirectory: &isDirectory)
            let url = URL(file: model)
            tokenizer = isDirectory.boolValue ? url.path : url.deletingLastPathComponent().path
        } else {
            tokenizer = directory.path
            let vocabulary = Self.vocabulary(of: texts, limit: config.vocabularySize)
            try vocabulary.joined(separator: "\n").write(
                to: directory.appendingPathComponent("vocab.txt"), atomically: true, encoding: .utf8)
        }
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    /// A directory that one training run may write into.
    func newOutput() -> String { directory.appendingPathComponent("output-\(UUID().uuidString)").path }

    /// A description of the model.
    var title: String {
        let parameters = String(format: "%.1f", config.parameterEstimate / 1e6)
        return "\(config.layers) layers, \(config.hiddenSize) wide, \(config.heads) heads, "
            + "\(parameters) M parameters"
    }

    /// Writes a data file.
    ///
    /// - Parameter count: of sequences, where all are filled.
    /// - Returns: its path.
    func data(_ sequences: BenchSequences, count: Int) throws -> String {
        let examples: [TextExample]
        let name: String
        switch sequences {
        case .sentences:
            examples = (0..<sentences).map { texts[$0 * texts.count / sentences] }
            name = "sentences"
        case .filled(let length):
            examples = filled(length, count)
            name = "filled-\(length)"
        }
        let file = directory.appendingPathComponent("\(name).tsv")
        let lines = examples.map { example in
            [example.label, example.text, example.pair].compactMap { $0.map(Self.oneLine) }.joined(
                separator: "\t")
        }
        try (lines.joined(separator: "\n") + "\n").write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    /// A column of a TSV file.
    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// Texts joined until they have `length` words, each of which is a token or more: cut off at `length` tokens,
    /// all are equally long. Labels take turns.
    private func filled(_ length: Int, _ count: Int) -> [TextExample] {
        let labels = Set(texts.compactMap(\.label)).sorted()
        var next = 0
        return (0..<count).map { index in
            var words: [Substring] = []
            while words.count < length {
                words += texts[next % texts.count].text.split(whereSeparator: \.isWhitespace)
                next += 1
            }
            return TextExample(text: words.joined(separator: " "), label: labels[index % labels.count])
        }
    }

    /// MiniLM-L6 as Hugging Face has it.
    private static var miniLM: EncoderConfig {
        var config = EncoderConfig()
        (config.layers, config.hiddenSize, config.heads, config.feedForwardSize) = (6, 384, 12, 1536)
        config.normPosition = .post
        return config
    }

    /// Special tokens, characters, and the most frequent words of the texts.
    private static func vocabulary(of texts: [TextExample], limit: Int) -> [String] {
        var counts: [String: Int] = [:]
        for text in texts {
            for word in text.text.lowercased().split(whereSeparator: { !$0.isLetter && !$0.isNumber }) {
                counts[String(word), default: 0] += 1
            }
        }
        let words = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
        let characters = (UInt8(ascii: "!")...UInt8(ascii: "~")).map { String(UnicodeScalar($0)) }
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        let known = Set(characters)
        return Array((special + characters + words.filter { !known.contains($0) }).prefix(limit))
    }
}
