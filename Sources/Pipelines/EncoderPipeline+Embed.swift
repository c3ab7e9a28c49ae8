import Encoders
import Support
import Text

/// A text that stands before each text that becomes a vector.
public enum EmbeddingPrompt: Hashable, Sendable {
    /// The model's default prompt, if it has one.
    case usual
    /// The model's prompt of that name.
    case named(String)
    case text(String)
}

/// The way from a text to its vector.
struct Embedding: Sendable {
    /// The graph that runs; its output `pooled` has one row per sequence.
    let task: EncoderPipeline.Task
    let prompt: String
    /// Elements of the row that are the vector's.
    let keptWidth: Int
    /// Whether the model scales rows to unit length itself.
    let isUnit: Bool
    /// Whether vectors are scaled to unit length at the end.
    var normalizes: Bool

    /// The input with the prompt before its text.
    func prompted(_ input: TextPair) -> TextPair { TextPair(prompt + input.text, pair: input.pair) }

    /// The vector that a row of the output is.
    func vector(_ row: [Float]) -> [Float] {
        let vector = Array(row.prefix(keptWidth))
        return normalizes ? VectorSimilarity.unitLength(vector) : vector
    }
}

extension EncoderPipeline {
    /// One vector per input, as sentence-transformers' `encode` gives for the same directory. Any model can do this,
    /// whatever its head.
    ///
    /// - Parameters:
    ///   - pooling: how token states become one vector; the model's own setting when `nil`.
    ///   - normalize: scale each vector to unit length at the end, as `normalize_embeddings` does.
    ///   - prompt: what stands before each text.
    public func embed(
        _ inputs: [TextPair], pooling: EncoderPooling? = nil, normalize: Bool = false,
        prompt: EmbeddingPrompt = .usual
    ) throws -> [[Float]] {
        let embedding = try embedding(pooling: pooling, normalize: normalize, prompt: prompt)
        guard options.chunks, !inputs.contains(where: { $0.pair != nil }) else {
            let encodings = try encode(inputs.map(embedding.prompted), place: { "text \($0 + 1)" })
            return try run(embedding.task, output: "pooled", on: encodings).map(embedding.vector)
        }
        let encoder = self.inputs
        let texts = ChunkedTexts(
            try tasks.map(
                inputs.count,
                throwing: { index in
                    try encoder.chunks(
                        of: inputs[index].text, prompt: embedding.prompt, at: "text \(index + 1)")
                }))
        let rows = try run(embedding.task, output: "pooled", on: texts.encodings)
        return texts.joined(rows, isUnit: embedding.isUnit).map(embedding.vector)
    }

    /// How texts become vectors.
    func embedding(
        pooling: EncoderPooling? = nil, normalize: Bool = false, prompt: EmbeddingPrompt = .usual
    ) throws -> Embedding {
        let modules = try modules(pooling)
        let prompt = try text(of: prompt)
        let leavesPromptOut = modules.contains { module in
            if case .pooling(_, let includesPrompt) = module.kind { !includesPrompt } else { false }
        }
        let promptLength =
            leavesPromptOut && !prompt.isEmpty ? try tokenizer.promptLength(prompt, maxLength: maxLength) : 0
        return Embedding(
            task: .embedding(modules, promptLength: promptLength), prompt: prompt,
            keptWidth: sentence?.keptWidth ?? .max, isUnit: modules.last?.isNormalization ?? false,
            normalizes: normalize)
    }

    /// Elements of a vector.
    ///
    /// - Throws: `ConfigError` when the model's modules do not fit each other.
    public func vectorWidth(pooling: EncoderPooling? = nil) throws -> Int {
        guard let sentence else { return config.hiddenSize }
        let width = try sentence.width(
            of: modules(pooling), hiddenSize: config.hiddenSize, layers: config.layerCount)
        return min(width, sentence.keptWidth ?? .max)
    }

    /// The way from token states to vectors.
    private func modules(_ pooling: EncoderPooling?) throws -> [SentenceModule] {
        guard let sentence else { return [.pooling(pooling ?? config.pooling)] }
        let modules = pooling.map(sentence.pooling) ?? sentence.modules
        _ = try sentence.width(of: modules, hiddenSize: config.hiddenSize, layers: config.layerCount)
        return modules
    }

    /// The text before each text.
    private func text(of prompt: EmbeddingPrompt) throws -> String {
        let prompts = sentence?.prompts ?? [:]
        switch prompt {
        case .text(let text): return text
        case .usual: return sentence?.defaultPromptName.flatMap { prompts[TextKey($0)] } ?? ""
        case .named(let name):
            if let prompt = prompts[TextKey(name)] { return prompt }
            let legal = prompts.keys.sorted().map(\.text).joined(separator: ", ")
            throw ModelError(
                .invalidInput,
                "has no prompt with the name '\(name)'; "
                    + (legal.isEmpty ? "it has none" : "its prompts are \(legal)"), at: path)
        }
    }
}

extension SentenceModule {
    /// Whether it scales vectors to unit length.
    fileprivate var isNormalization: Bool { if case .normalize = kind { true } else { false } }
}
