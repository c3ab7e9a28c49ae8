import Encoders
import Support
import Synchronization
import Text

/// A model of an engine. Calls may be made from any number of tasks at once; a cancelled one gives its place in the queue
/// up.
public final class InferenceModel: Sendable {
    /// The model's path as it was given.
    public let path: String
    /// What the model was trained for.
    public let head: EncoderHead
    /// Names of the classes in the order of their probabilities; empty without a classification head.
    public let labels: [String]
    /// The greatest number of tokens of a sequence.
    public let maxLength: Int
    /// Elements of a vector; `nil` for a model whose head gives something else.
    public let vectorWidth: Int?
    /// Elements of a token's state.
    public let hiddenSize: Int
    /// Tokens of the vocabulary.
    package var tokenCount: Int { inputs.tokenizer.tokenCount }
    /// The names of the prompts that may stand before a text.
    public let promptNames: [String]
    /// What to know about the model's files, one line each.
    public let notes: [String]
    /// How token states become one vector, by the names of the modes.
    package let poolingName: String
    /// The type of the encoder in its configuration.
    package let modelType: String
    let inputs: InputEncoder
    let memory = Mutex(InferenceEngine.MemoryPlan())
    private let engine: InferenceEngine
    private let number: Int
    /// The number of its adapter; 0 for none.
    private let adapter: Int32
    /// What makes vectors, for each prompt; that without a name is the usual one.
    private let embeddings: [TextKey?: Embedding]
    /// The probability of a logit, where a cross-encoder's scores are such.
    private let activatesScores: Bool

    init(
        _ pipeline: EncoderPipeline, number: Int, engine: InferenceEngine,
        adapter: (number: Int32, path: String)? = nil
    ) throws {
        path = adapter?.path ?? pipeline.path
        self.adapter = adapter?.number ?? 0
        head = pipeline.head
        labels = pipeline.labels
        maxLength = pipeline.maxLength
        hiddenSize = pipeline.config.hiddenSize
        notes = pipeline.config.warnings + pipeline.notes
        inputs = pipeline.inputs
        modelType = pipeline.config.family.modelType
        activatesScores = pipeline.activated(0) != 0
        self.number = number
        self.engine = engine
        switch pipeline.head {
        case .encoder, .maskedLM, .pretraining:
            let prompts = pipeline.sentence.map { $0.prompts.keys.sorted() } ?? []
            var embeddings: [TextKey?: Embedding] = [nil: try pipeline.embedding()]
            for name in prompts {
                embeddings[name] = try pipeline.embedding(prompt: .named(name.text))
            }
            self.embeddings = embeddings
            promptNames = prompts.map(\.text)
            vectorWidth = try pipeline.vectorWidth()
        case .classification, .multiLabelClassification, .regression:
            (embeddings, promptNames, vectorWidth) = ([:], [], nil)
        case .tokenClassification, .multipleChoice, .questionAnswering, .nextSentencePrediction,
            .discriminator:
            throw pipeline.wrongTask("be served")
        }
        poolingName =
            pipeline.sentence.flatMap { sentence in
                sentence.modules.lazy.compactMap { module in
                    if case .pooling(let modes, _) = module.kind {
                        modes.map(\.rawValue).joined(separator: "+")
                    } else {
                        nil
                    }
                }.first
            } ?? pipeline.config.pooling.rawValue
    }

    /// The memory that the model's runs use; that of an adapter is its base's.
    public var memoryPlan: InferenceEngine.MemoryPlan { memory.withLock(\.self) }

    /// All that is compiled when the model is loaded.
    var works: [BatchWork] {
        guard vectorWidth != nil else { return [work(.head, .sequence("logits"))] }
        var works = Set(embeddings.values.map { $0.task }).map { work($0, .sequence("pooled")) }
        if hasVocabularyHead { works.append(work(.head, .sparse)) }
        return works
    }

    private var hasVocabularyHead: Bool { head == .maskedLM || head == .pretraining }

    /// Whether it gives vectors of texts.
    package var makesVectors: Bool { vectorWidth != nil }
    /// Whether it gives weights of the vocabulary's tokens.
    package var makesSparseVectors: Bool { makesVectors && hasVocabularyHead }
    /// Whether it gives one number for a pair of texts.
    package var ranks: Bool { !makesVectors && (head == .regression || labels.count == 1) }

    private func work(_ task: EncoderPipeline.Task, _ output: BatchWork.Output) -> BatchWork {
        BatchWork(model: number, task: task, output: output)
    }

    /// What becomes of texts that are too long.
    public struct Truncation: Hashable, Sendable {
        /// Whether they are cut or refused.
        public var isAllowed: Bool
        /// Whether tokens at the start of a text are given up, not those at its end; the tokeniser's own side when `nil`.
        public var cutsStart: Bool?
        /// Whether vectors are made of chunks of them instead, as `EncoderPipeline.Options.chunks` says.
        public var chunks: Bool

        /// - Parameters: as the properties say.
        public init(isAllowed: Bool = true, cutsStart: Bool? = nil, chunks: Bool = false) {
            self.isAllowed = isAllowed
            self.cutsStart = cutsStart
            self.chunks = chunks
        }
    }

    /// Results, and how many tokens the texts had.
    package struct Counted<Result: Sendable>: Sendable {
        package let results: [Result]
        package let tokens: Int

        package init(results: [Result], tokens: Int) { (self.results, self.tokens) = (results, tokens) }
    }

    // MARK: Vectors

    /// One vector per text, as `EncoderPipeline.embed` gives.
    ///
    /// - Parameters:
    ///   - normalize: scale each vector to unit length.
    ///   - promptName: the model's prompt that stands before each text; its default prompt, if any, when `nil`.
    /// - Throws: `InferenceError`; `CancellationError` when the calling task is cancelled.
    public func embed(
        _ texts: [String], normalize: Bool = false, promptName: String? = nil,
        truncation: Truncation = Truncation()
    ) async throws -> [[Float]] {
        try await countedEmbed(
            texts, normalize: normalize, promptName: promptName, truncation: truncation
        ).results
    }

    package func countedEmbed(
        _ texts: [String], normalize: Bool, promptName: String?, truncation: Truncation
    ) async throws -> Counted<[Float]> {
        var embedding = try embedding(promptName)
        embedding.normalizes = normalize
        let work = work(embedding.task, .sequence("pooled"))
        guard truncation.chunks else {
            let encodings = try encode(texts.map { embedding.prompted(TextPair($0)) }, truncation)
            let rows = try await run(work, encodings)
            return Counted(results: rows.map(embedding.vector), tokens: tokenCount(encodings))
        }
        let prompt = embedding.prompt
        let chunked = ChunkedTexts(
            try texts.enumerated().map { index, text in
                try refusing { try inputs.chunks(of: text, prompt: prompt, at: "input \(index + 1)") }
            })
        let rows = try await run(work, chunked.encodings)
        return Counted(
            results: chunked.joined(rows, isUnit: embedding.isUnit).map(embedding.vector),
            tokens: tokenCount(chunked.encodings))
    }

    /// The states of each text's tokens after the last layer, special tokens included.
    ///
    /// - Throws: as `embed`.
    public func tokenStates(
        _ texts: [String], promptName: String? = nil, truncation: Truncation = Truncation()
    ) async throws -> [[[Float]]] {
        let embedding = try embedding(promptName)
        let encodings = try encode(texts.map { embedding.prompted(TextPair($0)) }, truncation)
        return try await run(work(embedding.task, .tokens("hidden")), encodings).map { states in
            stride(from: 0, to: states.count, by: hiddenSize).map { Array(states[$0..<($0 + hiddenSize)]) }
        }
    }

    /// The weight of each token of the vocabulary for each text, of a masked language model: log(1 + ReLU(logit)), the
    /// greatest over the text's tokens, as SPLADE has it. Those that are 0 are left out.
    ///
    /// - Throws: as `embed`.
    public func sparseWeights(
        _ texts: [String], promptName: String? = nil, truncation: Truncation = Truncation()
    ) async throws -> [[(token: Int, weight: Float)]] {
        guard hasVocabularyHead else {
            throw InferenceError(
                .wrongTask,
                "`\(path)` has no head over the vocabulary; sparse vectors need a masked language model")
        }
        let embedding = try embedding(promptName)
        let encodings = try encode(texts.map { embedding.prompted(TextPair($0)) }, truncation)
        return try await run(work(.head, .sparse), encodings).map { row in
            row.enumerated().lazy.filter { $0.element > 0 }.map { (token: $0.offset, weight: $0.element) }
        }
    }

    // MARK: Labels and scores

    /// The number for each label of each text or pair: probabilities, which sum to 1 where a text has one label; or the
    /// model's logits.
    ///
    /// - Throws: as `embed`.
    public func labelScores(
        _ inputs: [TextPair], raw: Bool = false, truncation: Truncation = Truncation()
    ) async throws -> [[Float]] {
        guard vectorWidth == nil else {
            throw InferenceError(.wrongTask, "`\(path)` is not a classification model")
        }
        let rows = try await run(work(.head, .sequence("logits")), try encode(inputs, truncation))
        if raw { return rows }
        switch head {
        case .multiLabelClassification: return rows.map { $0.map { Float(sigmoid($0)) } }
        case .regression: return rows.map { $0.map { activatesScores ? Float(sigmoid($0)) : $0 } }
        default: return rows.map { softmax($0).map { Float($0) } }
        }
    }

    /// The score of each document for a query, by a cross-encoder.
    ///
    /// - Parameter raw: logits, not their sigmoid.
    /// - Throws: as `embed`.
    public func rerankScores(
        _ documents: [String], query: String, raw: Bool = false, truncation: Truncation = Truncation()
    ) async throws -> [Float] {
        guard ranks else {
            throw InferenceError(
                .wrongTask, "`\(path)` is not a re-ranker: it does not give one number for a pair of texts")
        }
        let pairs = documents.map { TextPair(query, pair: $0) }
        let rows = try await run(work(.head, .sequence("logits")), try encode(pairs, truncation))
        return rows.map { raw ? $0[0] : Float(sigmoid($0[0])) }
    }

    // MARK: Tokens

    package struct Token: Sendable {
        package let id: Int32
        package let text: String
        package let isSpecial: Bool
        /// Characters (code points) of the text.
        package let range: Range<Int>?
    }

    /// The tokens of a text and where they stand in it; special tokens around it stand nowhere.
    package func tokens(
        of text: String, withSpecials: Bool = true, promptName: String? = nil
    ) throws -> [Token] {
        let text = vectorWidth == nil && promptName == nil ? text : try embedding(promptName).prompt + text
        let tokenizer = inputs.tokenizer
        let (spans, whole) = try tokenizing {
            (try tokenizer.spans(of: text), try tokenizer.encode(text).ids)
        }
        var characters: [Int] = []
        characters.reserveCapacity(text.utf8.count + 1)
        var count = 0
        for byte in text.utf8 {
            characters.append(count)
            if byte & 0xC0 != 0x80, !characters.isEmpty { count += 1 }
        }
        let starts = characters + [count]
        // Bytes inside a character have counted it already.
        func place(_ byte: Int) -> Int { byte == text.utf8.count ? count : starts[byte] }
        let specials = Set(tokenizer.addedTokens.filter(\.token.special).map(\.id))
        func token(_ id: Int32, _ range: Range<Int>?) -> Token {
            Token(
                id: id, text: tokenizer.token(of: id) ?? "", isSpecial: specials.contains(id), range: range)
        }
        let inner = spans.map { token($0.id, place($0.range.lowerBound)..<place($0.range.upperBound)) }
        guard withSpecials else { return inner }
        let extra = whole.count - inner.count
        let before = (0...max(0, extra)).first { whole.dropFirst($0).starts(with: spans.map(\.id)) } ?? 0
        return whole.prefix(before).map { token($0, nil) } + inner
            + whole.dropFirst(before + inner.count).map { token($0, nil) }
    }

    /// The text that tokens stand for.
    package func text(of ids: [Int32], skipSpecialTokens: Bool = true) throws -> String {
        try tokenizing { try inputs.tokenizer.decode(ids, skipSpecialTokens: skipSpecialTokens) }
    }

    // MARK: Running

    private func embedding(_ promptName: String?) throws -> Embedding {
        guard vectorWidth != nil else {
            throw InferenceError(.wrongTask, "`\(path)` is not an embedding model")
        }
        if let embedding = embeddings[promptName.map { TextKey($0) }] { return embedding }
        let legal = promptNames.joined(separator: ", ")
        throw InferenceError(
            .invalidInput,
            "`prompt_name` is '\(promptName ?? "")', but the model's prompts are: \(legal.isEmpty ? "none" : legal)"
        )
    }

    private func encode(_ inputs: [TextPair], _ truncation: Truncation) throws -> [Encoding] {
        let side: TruncationSide? = truncation.cutsStart.map { $0 ? .left : .right }
        return try inputs.enumerated().map { index, input in
            try refusing {
                let encoding = try self.inputs.encode(
                    input, truncates: truncation.isAllowed ? .longestFirst : .doNotTruncate, side: side,
                    at: "input \(index + 1)"
                ).encoding
                guard encoding.count > 0 else {
                    throw InferenceError(.invalidInput, "input \(index + 1): has no token")
                }
                return encoding
            }
        }
    }

    private func refusing<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as ModelError {
            throw InferenceError(.invalidInput, "\(error)")
        }
    }

    private func tokenizing<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as TextError {
            throw InferenceError(.tokenizer, error.message)
        }
    }

    package func tokenCount(_ encodings: [Encoding]) -> Int { encodings.reduce(0) { $0 + $1.count } }

    private func run(_ work: BatchWork, _ encodings: [Encoding]) async throws -> [[Float]] {
        let engine = engine
        return try await engine.queue.results(of: encodings, work, adapter: adapter) {
            Task { await engine.drain() }
        }
    }
}
