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
        let modules = try modules(pooling)
        let prompt = try text(of: prompt)
        let prompted = inputs.map { TextPair(prompt + $0.text, pair: $0.pair) }
        let encodings = try encode(prompted, place: { "text \($0 + 1)" })
        let leavesPromptOut = modules.contains { module in
            if case .pooling(_, let includesPrompt) = module.kind { !includesPrompt } else { false }
        }
        let promptLength =
            leavesPromptOut && !prompt.isEmpty ? try tokenizer.promptLength(prompt, maxLength: maxLength) : 0
        let task = Task.embedding(modules, promptLength: promptLength)
        let vectors = try run(task, output: "pooled", on: encodings).map {
            Array($0.prefix(sentence?.keptWidth ?? .max))
        }
        return normalize ? vectors.map(VectorSimilarity.unitLength) : vectors
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
