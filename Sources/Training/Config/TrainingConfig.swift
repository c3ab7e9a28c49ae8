import Encoders
import GraphCompiler
import Pipelines
import Text

/// Everything a training run needs: paths and hyper-parameters, as `train.json` gives them.
///
/// `docs/training.md` lists the fields; `TrainingConfig.fields` is the same table in code, through which files are
/// read and written. Paths are relative to `directory`.
///
/// ```swift
/// var config = try TrainingConfig(contentsOf: "Examples/rt/train.json")
/// config.epochs = 1
/// let report = try trainModel(config)
/// ```
public struct TrainingConfig: Sendable, Equatable {
    /// What relative paths start from: the directory of the file, or empty for the working directory.
    public var directory = ""
    /// What errors call this configuration.
    public var file = "training configuration"

    // MARK: Model

    /// A model directory with weights, or a `model.json` for fresh parameters. Required.
    public var model = ""
    /// A directory, `vocab.txt` or `tokenizer.json`; the model's directory when `nil`.
    public var tokenizer: String?
    public var task = TrainingTask.classification
    /// Replace the model's own dropout rates, in [0, 1).
    public var hiddenDropout: Double?
    public var attentionDropout: Double?
    public var classifierDropout: Double?
    /// Replaces the model's own rate of stochastic depth, in [0, 1).
    public var stochasticDepth: Double?
    /// Replace what a `model.json` says of sharing and of the embeddings' width.
    public var shareLayers: LayerSharing?
    public var embeddingSize: Int?
    /// Globs on parameter names, modules, ranges of layers; what they match is not trained.
    public var freeze: [String] = []

    // MARK: Learned mask

    /// What shares a gate of the attention mask that is learned; `nil` learns none.
    public var dam: AttentionGates.Form?
    /// The longest sequence that the mask is for; `maxLength` when `nil`.
    public var damLength: Int?
    /// What the loss takes for each pair of positions that the mask keeps.
    public var damLambda = 5e-5
    /// Peak rate of the gates; `learningRate` when `nil`.
    public var damLearningRate: Double?
    /// Whether each layer learns a mask of its own.
    public var damPerLayer = false

    // MARK: Data

    /// The folder of GLUE, or of the task in it; for GLUE's tasks, which need no other files.
    public var data: String?
    public var trainFile = "data/train.txt"
    /// `nil` takes `data/valid.txt` if there is one; an empty string says that there is no validation.
    public var validationFile: String?
    /// `nil` takes `data/test.txt` if there is one; an empty string says that there is no test.
    public var testFile: String?
    public var format = TrainingFormat.auto
    public var header = TrainingHeader.auto
    /// Columns by name or number from 0, members of JSON by name.
    public var textColumn: String?
    public var pairColumn: String?
    public var labelColumn: String?
    /// Labels that mean that an example has none and is left out; `nil` finds them out.
    public var missingLabels: [String]?
    /// Tokens of a sequence at most; the model's positions when `nil`.
    public var maxLength: Int?
    public var truncation = TrainingTruncation.longestFirst

    // MARK: Pre-training

    /// Documents to pre-train on.
    public var textFiles: [String] = []
    /// Documents to evaluate on.
    public var heldOutFiles: [String] = []
    /// The share of the documents of `textFiles` that is held out when there are no `heldOutFiles`.
    public var heldOutShare = 0.02
    /// Where the tokenised text is kept; `tokens` in `outputDirectory` when `nil`.
    public var tokenDirectory: String?
    /// The share of tokens to guess.
    public var maskedShare = 0.15
    /// Guess all pieces of a word or none.
    public var wholeWordMasking = false
    /// Tokens to guess in a sequence at most; the share of `maxLength` when `nil`.
    public var maxPredictions: Int?
    /// The probability that a document is cut into shorter sequences.
    public var shortShare = 0.1
    /// What follows one another, each with its own length and steps; one phase of the other fields when empty.
    public var phases: [TrainingPhase] = []

    // MARK: Batches

    public var batching = TrainingBatching.packed
    /// Lengths that share a batch of `uniform`.
    public var bucketWidth = 1
    /// Sequences in a batch at most.
    public var batchSize = 32
    /// Tokens in a batch at most, padding included.
    public var maxTokens: Int?
    /// Batches whose gradients one step adds up.
    public var gradientAccumulation = 1

    // MARK: Optimisation

    public var epochs = 3
    /// Replaces `epochs`.
    public var maxSteps: Int?
    public var optimizer = TrainingOptimizer.adamw
    public var learningRate = 5e-5
    public var schedule = LearningRateSchedule.Shape.linear
    public var polynomialPower = 1.0
    /// Warm-up as a share of all steps.
    public var warmupRatio = 0.0
    /// Replaces `warmupRatio`.
    public var warmupSteps: Int?
    public var weightDecay = 0.01
    public var beta1 = 0.9
    public var beta2 = 0.999
    public var epsilon = 1e-8
    /// What a layer's learning rate is of that of the layer above.
    public var layerwiseLearningRateDecay = 1.0
    /// How much of the weights' moving average stays in a step; no average when `nil`.
    public var ema: Double?
    /// Gradients are scaled down to this L2 norm; `nil` leaves them.
    public var maxGradientNorm: Double? = 1
    /// The share of the loss that goes to all labels alike, in [0, 1).
    public var labelSmoothing = 0.0
    public var seed = 42

    // MARK: Evaluation

    /// Steps between evaluations; after each epoch when `nil`.
    public var evaluateEvery: Int?
    /// What decides which model is best; accuracy, (for regression) loss, (of entities) F1, or a GLUE task's own
    /// when `nil`.
    public var metric: Metric?
    /// Keep the model of the best evaluation rather than the last one.
    public var saveBest = true
    /// Stop after so many evaluations in a row without a better one.
    public var earlyStopping: Int?

    // MARK: Output

    public var outputDirectory = "output"
    /// Steps between checkpoints; after each epoch when `nil`, never when 0.
    public var saveEvery: Int?
    public var keepCheckpoints = 1
    /// A checkpoint's directory, or `latest`.
    public var resume: String?
    /// Steps between rows of the logs.
    public var logEvery = 10
    public var csvLog = true
    public var tensorBoard = false

    // MARK: Machine

    public var threads: Int?
    /// What the run may hold in memory at most; batches that need more are cut into micro-batches.
    public var maxMemory: MemorySize?
    /// The highest instruction set to use.
    public var cpu: String?
    public var matmul = CompilerOptions.MatmulLowering.generated
    /// Of products and attention.
    public var precision = Precision.fp32
    /// What a step computes again for its backward pass rather than hold.
    public var recompute = Recompute.none

    /// The defaults, which lack a `model`.
    public init() {}
}

/// What a model is trained for.
public enum TrainingTask: Sendable, Hashable {
    /// One of the training data's labels for each text; cross-entropy.
    case classification
    /// One number for each text; mean squared error.
    case regression
    /// One of the training data's labels for each word; cross-entropy.
    case tokenClassification
    /// A task of GLUE, on its own files: regression for STS-B, classification for the others.
    case glue(GlueTask)
    /// Masked LM and next-sentence prediction on plain text.
    case pretrain
}

extension TrainingTask: RawRepresentable, CaseIterable {
    public static var allCases: [TrainingTask] {
        named + GlueTask.allCases.map(TrainingTask.glue)
    }

    private static let named: [TrainingTask] = [
        .classification, .regression, .tokenClassification, .pretrain,
    ]

    /// `glue/mrpc` for a task of GLUE.
    public var rawValue: String {
        switch self {
        case .classification: "classification"
        case .regression: "regression"
        case .tokenClassification: "token_classification"
        case .glue(let task): "glue/\(task.name)"
        case .pretrain: "pretrain"
        }
    }

    /// GLUE's tasks are found in any spelling that `GlueTask(named:)` knows.
    public init?(rawValue: String) {
        if rawValue.hasPrefix("glue/") {
            guard let task = GlueTask(named: String(rawValue.dropFirst("glue/".count))) else { return nil }
            self = .glue(task)
        } else if let task = Self.named.first(where: { $0.rawValue == rawValue }) {
            self = task
        } else {
            return nil
        }
    }

    /// Whether the targets are numbers.
    package var isRegression: Bool {
        switch self {
        case .regression, .glue(.stsb): true
        case .classification, .tokenClassification, .glue, .pretrain: false
        }
    }
}

/// Optimisers.
public enum TrainingOptimizer: String, Sendable, CaseIterable {
    /// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101).
    case adamw
    /// AdamW's step times ‖weights‖ / ‖step‖ for each parameter (You et al., arXiv:1904.00962).
    case lamb
}

/// How sequences share a batch, and what is padded.
public enum TrainingBatching: String, Sendable, CaseIterable {
    /// Every sequence is padded to `maxLength`.
    case fixed
    /// Every sequence is padded to the longest of its batch.
    case dynamic
    /// A batch holds sequences of one length only; nothing is padded.
    case uniform
    /// Sequences lie end to end; nothing is padded.
    case packed
}

/// How data files are laid out: by their endings or first lines, or as said.
public enum TrainingFormat: String, Sendable, CaseIterable {
    case auto, tsv, csv, json, jsonl, lines, conll
}

/// Whether the first row of a file with columns names them.
public enum TrainingHeader: String, Sendable, CaseIterable {
    case auto, present, absent
}

/// Which text of a pair is cut when both are too long.
public enum TrainingTruncation: String, Sendable, CaseIterable {
    case longestFirst = "longest_first"
    case onlyFirst = "only_first"
    case onlySecond = "only_second"
    /// A sequence that is too long is an error.
    case doNotTruncate = "do_not_truncate"
}
