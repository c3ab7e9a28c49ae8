import Encoders
import GraphCompiler
import Support
import Text

/// A saved model with its tokeniser, ready to use: text in; labels, numbers or vectors out.
///
/// ```swift
/// let pipeline = try EncoderPipeline(contentsOf: "runs/reviews/best")
/// let answers = try pipeline.classify(["A fine film.", "Two hours I will never get back."])
/// print(answers[0].label, answers[0].probability)  // positive 0.98
/// ```
///
/// Each kind of output is compiled once, at its first use, for texts of any number and length. A pipeline
/// runs one call at a time.
public final class EncoderPipeline {
    /// How a pipeline is set up.
    public struct Options: Sendable {
        /// The greatest number of tokens of a sequence; what the model takes and its files allow when `nil`.
        public var maxLength: Int?
        /// Whether longer sequences are cut (`truncatedCount` says how many were) or refused.
        public var truncates: Bool
        /// Whether texts that become vectors are cut into chunks where they are too long, and the vectors of the chunks are joined:
        /// to the mean with the weights of their numbers of tokens.
        public var chunks: Bool
        /// Tokens in a batch; a longer sequence is a batch of its own.
        public var batchTokens: Int
        /// The directory of a low-rank adapter for the model, in PEFT's layout; its matrices are added to the weights.
        public var adapter: String?
        /// Directories of low-rank adapters, of which each text of an engine's batches may use one (`InferenceEngine.load`); texts
        /// of a pipeline's own calls use none.
        var stack: [String] = []

        /// Options for a pipeline; the defaults suit most uses.
        public init(
            maxLength: Int? = nil, truncates: Bool = true, chunks: Bool = false, batchTokens: Int = 4096,
            adapter: String? = nil
        ) {
            self.maxLength = maxLength
            self.truncates = truncates
            self.chunks = chunks
            self.batchTokens = batchTokens
            self.adapter = adapter
        }
    }

    /// The model's path as it was given.
    public let path: String
    /// The configuration of the encoder and its head.
    public let config: EncoderConfig
    /// What the model was trained for.
    public let head: EncoderHead
    /// What the weight file gave: tensors loaded, and tensors that the model has no use for.
    public let report: LoadReport
    /// The greatest number of tokens of a sequence.
    public let maxLength: Int
    /// What to know about the model's files, one line each.
    public let notes: [String]
    /// What to know about the data that were evaluated so far, one line each.
    public private(set) var dataNotes: [String] = []
    /// The modules of a sentence-transformers directory; nil for any other.
    package let sentence: SentenceModules?
    /// Sequences cut to `maxLength` so far.
    public private(set) var truncatedCount = 0
    /// Why compiled kernels are not being kept, if they are not.
    public var cacheWarning: String? { compiler.cacheWarning }
    private let compiler: Compiler
    let options: Options
    /// What makes token ids of texts.
    let inputs: InputEncoder
    var tokenizer: any Tokenizer { inputs.tokenizer }
    let parameters = ParameterStore()
    private let checkpoint: EncoderCheckpoint
    /// The model with its own head.
    let headGraph: Graph
    /// Adapters of which each sequence uses one.
    private let stack: AdapterStack?
    private var executors: [Task: Executor] = [:]

    /// A graph over the shared parameters.
    enum Task: Hashable, Sendable {
        /// The model's own head.
        case head
        /// Vectors, with the tokens of a prompt that is left out of them.
        case embedding([SentenceModule], promptLength: Int)
    }

    /// Loads a model directory, in Hugging Face's layout or as bertc saves it, or the directory of the given
    /// `config.json` or `model.json`; or the directory of an adapter that names its base by a path.
    ///
    /// - Parameter compiler: what compiles the graphs; one with default options when `nil`.
    /// - Throws: one-line errors that name the file: `ModelError`, `ConfigError`, `CheckpointError`,
    ///   `SafetensorsError`, and those of the tokeniser and the compiler.
    public init(contentsOf path: String, compiler: Compiler? = nil, options: Options = Options()) throws {
        let files = try ModelDirectory(path, adapter: options.adapter)
        let checkpoint = try files.checkpoint()
        self.path = path
        self.options = options
        config = files.config
        sentence = files.sentence
        head = try EncoderHead(of: config, checkpoint: checkpoint)
        let tokenizer = try files.tokenizer().limited(
            toRows: config.vocabularySize, types: config.acceptedTokenTypes)
        let longest = config.longestSequence
        let limit = try LengthLimit(of: files, tokenizer, at: files.directory.path)
        maxLength = options.maxLength ?? min(longest, limit?.length ?? .max)
        notes = files.notes + tokenizer.notes + (limit?.note(of: options.maxLength) ?? [])
        guard maxLength >= 3, maxLength <= longest else {
            throw ModelError(
                .invalidInput,
                "the greatest length is \(maxLength) tokens; "
                    + (longest < config.positionCount
                        ? "the model's attention mask is for 3 to \(longest)"
                        : "expected 3 to the model's \(longest) positions"),
                at: path)
        }
        inputs = InputEncoder(
            tokenizer: tokenizer, maxLength: maxLength, tokenTypes: config.acceptedTokenTypes)
        stack = try files.stack(options.stack)
        var graph = EncoderGraph(config: config, head: head, isTraining: false)
        graph.stack = stack
        let built = try graph.build()
        let specs = built.parameters.filter { !$0.isAdapter }
        headGraph = built.graph
        report = try checkpoint.report(for: specs)
        guard report.missing.isEmpty else {
            let names = Formatted.list(report.missing.map(\.name).flatMap(checkpoint.storedNames))
            let hint =
                report.missing.contains { $0.isEncoder }
                ? "the file is not whole, or of another model than its configuration says"
                : "fine-tune it first, or correct 'architectures' in its configuration"
            throw ModelError(
                .invalidModel,
                "\(Formatted.count(report.missing.count, "tensor of the model is", "tensors of the model are")) not in its "
                    + "weights: \(names); \(hint)", at: path)
        }
        self.compiler = try compiler ?? Compiler()
        self.checkpoint = checkpoint
        let isQuantized = self.compiler.options.precision == .int8
        let whole = specs.filter { !isQuantized || checkpoint.quantized($0.name) == nil }
        try parameters.set(whole.map { ($0.name, $0.shape) }, on: self.compiler.tasks) {
            try checkpoint.copyFloats(of: whole[$0].name, into: $1)
        }
        if isQuantized {
            for spec in specs {
                guard let tensor = checkpoint.quantized(spec.name) else { continue }
                try parameters.setQuantized(
                    spec.name, shape: tensor.shape, numbers: tensor.numbers(), scales: tensor.scales(),
                    smoothing: tensor.smoothing())
            }
        }
        for spec in built.parameters where spec.isAdapter {
            guard let stack else { continue }
            try parameters.set(spec.name, try TensorData(stack.values(of: spec), shape: spec.shape))
        }
        _ = try stack?.unused(by: specs.map(\.name))
        try sentence?.loadParameters { try parameters.set($0.name, try TensorData($1, shape: $0.shape)) }
    }

    /// Names of the classes in the order of their probabilities; empty without a classification head.
    public var labels: [String] {
        switch head {
        case .classification(let count), .multiLabelClassification(let count),
            .tokenClassification(let count):
            config.labels.isEmpty ? (0..<count).map { "LABEL_\($0)" } : config.labels
        case .encoder, .regression, .multipleChoice, .questionAnswering, .maskedLM, .pretraining,
            .nextSentencePrediction, .discriminator:
            []
        }
    }

    /// The instruction set that the kernels use.
    public var instructionSet: String { compiler.instructionSet }

    /// The length that the options ask for.
    var chosenLength: Int? { options.maxLength }

    /// What shares work that is none of the kernels'.
    var tasks: any TaskRunner { compiler.tasks }

    /// Tokenises within the model's limits; `place` names an input in errors.
    func encode(
        _ inputs: [TextPair], truncation: Truncation = .longestFirst, place: (Int) -> String
    ) throws -> [Encoding] {
        let encodings = try compiler.tasks.map(
            inputs.count, throwing: { index in try encode(inputs[index], truncation, at: place(index)) })
        truncatedCount += encodings.count(where: \.isCut)
        return encodings.map(\.encoding)
    }

    private func encode(
        _ input: TextPair, _ truncation: Truncation, at place: @autoclosure () -> String
    ) throws -> (encoding: Encoding, isCut: Bool) {
        try inputs.encode(
            input, truncates: options.truncates ? truncation : .doNotTruncate, at: place())
    }

    /// Tokenises sentences of known words within the model's limits; `place` names a sentence in errors.
    func encode(_ sentences: [[String]], place: (Int) -> String) throws -> [WordEncoding] {
        try sentences.enumerated().map { index, words in
            let whole = try located(at: place(index)) { () throws(TextError) in
                try tokenizer.encode(words: words)
            }
            if whole.encoding.count <= maxLength { return whole }
            guard options.truncates else { throw tooLong(whole.encoding, at: place(index)) }
            truncatedCount += 1
            return try tokenizer.encode(words: words, maxLength: maxLength)
        }
    }

    /// Tokenises a sentence of known words, in as many pieces as the model's limits ask for.
    func pieces(of words: [String], place: String) throws -> [WordEncoding] {
        func encode(_ words: ArraySlice<String>) throws -> WordEncoding {
            try located(at: place) { () throws(TextError) in try tokenizer.encode(words: Array(words)) }
        }
        let whole = try encode(words[...])
        if whole.encoding.count <= maxLength { return [whole] }
        guard options.truncates else { throw tooLong(whole.encoding, at: place) }
        truncatedCount += 1
        let specialCount = try encode([]).encoding.count
        var pieces: [WordEncoding] = []
        var (start, count) = (0, specialCount)
        for end in words.indices {
            let tokens = try encode(words[end...end]).encoding.count - specialCount
            if count + tokens > maxLength, end > start {
                pieces.append(try encode(words[start..<end]))
                (start, count) = (end, specialCount)
            }
            guard specialCount + tokens <= maxLength else {
                // The first pieces of a word that is too long alone.
                pieces.append(try tokenizer.encode(words: [words[end]], maxLength: maxLength))
                guard pieces[pieces.count - 1].firstPieces.count == 1 else {
                    throw tooLong(try encode(words[end...end]).encoding, at: place)
                }
                (start, count) = (end + 1, specialCount)
                continue
            }
            count += tokens
        }
        if start < words.count { pieces.append(try encode(words[start...])) }
        return pieces
    }

    private func located<Result>(
        at place: @autoclosure () -> String, _ encode: () throws(TextError) -> Result
    ) throws -> Result {
        try inputs.located(at: place(), encode)
    }

    private func tooLong(_ encoding: Encoding, at place: String) -> ModelError {
        inputs.tooLong(encoding, at: place)
    }

    /// The logits of each word that was not cut off.
    func wordLogits(_ sentences: [WordEncoding]) throws -> [[[Float]]] {
        try runner(for: .head).tokenRows(
            of: "logits", on: sentences.map(\.encoding), at: sentences.map(\.firstPieces))
    }

    /// One row of an output a sequence, in the order of the sequences.
    func run(_ task: Task, output: String, on encodings: [Encoding]) throws -> [[Float]] {
        guard !encodings.isEmpty else { return [] }
        return try runner(for: task).rows(of: output, on: encodings)
    }

    func addNote(_ note: String) {
        if !dataNotes.contains(note) { dataNotes.append(note) }
    }

    func runner(for task: Task) throws -> SequenceRunner {
        SequenceRunner(
            executor: try executor(for: task), maxLength: maxLength, batchTokens: options.batchTokens,
            uncountedID: config.uncountedToken,
            advice: compiler.options.precision == .fp16
                ? "fp16 only holds numbers up to 65504: use the precision bf16" : "",
            hasAdapters: stack != nil)
    }

    /// Outputs of a graph over the model's parameters, of all sequences as one batch.
    func run(
        _ graph: Graph, on encodings: [Encoding], returning names: [String]
    ) throws -> [String: TensorData] {
        let options = BatchingOptions(
            maxLength: maxLength, uncountedID: config.uncountedToken, shuffle: false)
        let inputs = EncoderInputs(
            try Batcher(encodings, options: options).layOut(Array(encodings.indices)))
        // A masked language model is asked for one token.
        let tensors = inputs.tensors.merging(["masked_positions": TensorData([Int32(0)])]) { own, _ in own }
        return try compiler.compile(graph, parameters: parameters).run(
            tensors, symbols: inputs.symbols, returning: names)
    }

    /// Bytes of parameters, constants and run memory held now.
    var residentByteCount: Int { executors.values.map(\.residentByteCount).max() ?? 0 }

    func executor(for task: Task) throws -> Executor {
        if let executor = executors[task] { return executor }
        let graph: Graph
        switch task {
        case .head:
            graph = headGraph
        case .embedding(let modules, let promptLength):
            var encoder = EncoderGraph(config: config, head: .encoder, isTraining: false)
            (encoder.modules, encoder.promptLength) = (modules, promptLength)
            encoder.stack = stack
            graph = try encoder.build().graph
        }
        let executor = try compiler.compile(graph, parameters: parameters)
        // Weights that the files hold as i8, and that products read as f32 all the same.
        for name in executor.unsetParameters where checkpoint.quantized(name) != nil {
            try parameters.set(name) { try checkpoint.copyFloats(of: name, into: $0) }
        }
        executors[task] = executor
        return executor
    }
}
