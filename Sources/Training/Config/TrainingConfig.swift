import Encoders
import GraphCompiler
import Pipelines
import Support
import Text

/// Everything a training run needs: paths and hyper-parameters, as `train.json` gives them.
///
/// `docs/training.md` lists the fields of the file, which is flat; `TrainingConfig.fields` is the same table in code,
/// through which files are read and written. In code the fields are grouped in sections, each of which has its part of
/// the table and checks it. Paths are relative to `directory`.
///
/// ```swift
/// var config = try TrainingConfig(contentsOf: "Examples/rt/train.json")
/// config.optimizer.epochs = 1
/// let report = try trainModel(config)
/// ```
public struct TrainingConfig: Sendable, Equatable {
    /// What relative paths start from: the directory of the file, or empty for the working directory.
    public var directory = ""
    /// What errors call this configuration.
    public var file = "training configuration"

    /// What the model is trained for.
    public var task = TrainingTask.classification
    /// The model and its dropout.
    public var model = ModelSettings()
    /// The low-rank adapter that is trained, if one is.
    public var adapter = AdapterSettings()
    /// The attention mask that is learned, if one is.
    public var mask = MaskSettings()
    /// The data files and how they are read.
    public var data = DataSettings()
    /// How much examples count, and which are kept for validation.
    public var examples = ExampleSettings()
    /// What only question answering has.
    public var questions = QuestionSettings()
    /// What the model learns from a teacher.
    public var distillation = DistillationSettings()
    /// What only pre-training has.
    public var pretraining = PretrainingSettings()
    /// The loss that compares texts.
    public var loss = LossSettings()
    /// How batches are made.
    public var batches = BatchSettings()
    /// The update rule, its rates, and how long it runs.
    public var optimizer = OptimizerSettings()
    /// Seed of fresh parameters, of the order of examples and of dropout.
    public var seed = 42
    /// When the model is measured, and by what.
    public var evaluation = EvaluationSettings()
    /// What is written where.
    public var output = OutputSettings()
    /// Threads, precision, memory and how kernels are made.
    public var machine = MachineSettings()

    /// The defaults, which lack a model.
    public init() {}
}

extension TrainingConfig {
    /// Every field of `train.json`, in the order of the documentation.
    package static var fields: [ConfigField<Self>] {
        ModelSettings.sourceFields.map { $0.lifted(to: \.model) } + [
            .init(
                "task", \.task,
                "What is trained: a label, [several](#several-labels-for-a-text) or a number for each text, labels for words ([below](#labels-for-words)), answers to questions "
                    + "([question-answering.md](question-answering.md)), one of several texts ([multiple-choice.md](multiple-choice.md)), a task of "
                    + "GLUE ([glue.md](glue.md)), vectors of texts ([embedding.md](embedding.md)), scores of documents "
                    + "([reranking.md](reranking.md)), or a language model "
                    + "([pretraining.md](pretraining.md)).")
        ] + ModelSettings.changeFields.map { $0.lifted(to: \.model) } + fields(\.adapter) + fields(\.mask)
            + fields(\.data) + fields(\.examples) + fields(\.questions) + fields(\.loss)
            + fields(\.distillation)
            + fields(\.batches) + fields(\.pretraining) + fields(\.optimizer) + [
                .init("seed", \.seed, "Seed of fresh parameters, order of examples, and dropout.", atLeast: 0)
            ] + fields(\.evaluation) + fields(\.output) + fields(\.machine)
    }

    private static func fields<Section: ConfigSection>(
        _ section: WritableKeyPath<Self, Section>
    ) -> [ConfigField<Self>] {
        Section.fields.map { $0.lifted(to: section) }
    }

    /// The sections, in the order of their checks.
    private var sections: [any ConfigSection] {
        [
            evaluation, batches, adapter, mask, data, examples, questions, loss, distillation, pretraining,
            model,
            optimizer, output, machine,
        ]
    }

    /// Checks every field, and the fields against one another. `trainModel` calls it.
    ///
    /// - Throws: `ConfigError`.
    public func validate() throws {
        // Setting each field to its own value runs its check, whichever way the value got here.
        var copy = self
        for field in Self.fields { try copy.set(field.name, field.json(self)) }
        for section in sections { try section.check(in: self) }
    }

    /// The learning rate of the only phase, or of the first one.
    var firstLearningRate: Double { pretraining.phases.first?.learningRate ?? optimizer.learningRate }
}
