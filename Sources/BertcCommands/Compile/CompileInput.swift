import ArgumentParser
import Encoders
import Foundation
import GraphCompiler
import ONNX
import Support
import Training

/// What `bertc compile` compiles: a model's configuration, or a graph in text form.
struct CompileInput: ParsableArguments {
    /// The heads that a model can have.
    enum Task: String, CaseIterable, ExpressibleByArgument {
        case classification, regression, encoder, discriminator
        case tokenClassification = "token-classification"
        case multiLabel = "multi-label-classification"
        case multipleChoice = "multiple-choice"
        case questionAnswering = "question-answering"
        case maskedLM = "masked-lm"
        case pretraining
        case nextSentence = "next-sentence-prediction"

        /// Whether it has as many outputs as there are classes.
        var hasClasses: Bool {
            switch self {
            case .classification, .tokenClassification, .multiLabel: true
            case .regression, .encoder, .discriminator, .multipleChoice, .questionAnswering, .maskedLM,
                .pretraining, .nextSentence:
                false
            }
        }
    }

    @Argument(
        help: "A model directory, a model.json or config.json, or a graph file that ends in .ir or .onnx.")
    var model: String

    @Flag(help: "Compile one training step: forward, backward, gradient clipping and AdamW.")
    var training = false

    @Option(help: "The model's head; what its configuration says by default.")
    var task: Task?

    @Option(help: "Classes of a classification head; what the configuration says by default.")
    var labels: Int?

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Parameters that --training does not train: a glob, a module, or a range of layers.",
            discussion:
                "As the field freeze of train.json, e.g. encoder.layer.0-3; may be given several times."))
    var freeze: [String] = []

    @Option(
        name: .customLong("lora-rank"),
        help: "Train a low-rank adapter of this rank in the place of the weights, as loraRank of train.json.")
    var loraRank: Int?

    @Option(
        name: .customLong("target-modules"), parsing: .unconditionalSingleValue,
        help: "Layers of --lora-rank, as targetModules of train.json; may be given several times.")
    var targetModules: [String] = []

    func validate() throws {
        if let loraRank, loraRank < 1 {
            throw ValidationError("--lora-rank is \(loraRank); expected at least 1")
        }
        if loraRank == nil, !targetModules.isEmpty {
            throw ValidationError("--target-modules needs --lora-rank")
        }
        if let labels, labels < 1 { throw ValidationError("--labels is \(labels); expected at least 1") }
        if labels != nil, let task, !task.hasClasses {
            let tasks = Task.allCases.filter(\.hasClasses).map(\.rawValue)
            throw ValidationError("--labels is for --task \(tasks.joined(separator: ", ")) only")
        }
        if isGraph, training || task != nil || labels != nil || loraRank != nil {
            throw ValidationError(
                "a graph file is compiled as it is; --training, --task, --labels and --lora-rank need a model"
            )
        }
        if !freeze.isEmpty, !training { throw ValidationError("--freeze needs a model and --training") }
        if training, task == .encoder {
            throw ValidationError("a plain encoder has no loss to train on; choose another --task")
        }
    }

    /// Whether the model is a graph that is compiled as it is.
    var isGraph: Bool { model.hasSuffix(".ir") || model.hasSuffix(".onnx") }

    /// The graph to compile, and for a training step the graph before differentiation.
    struct Source {
        var forward: Graph?
        var optimizer = OptimizerOptions()
        let graph: Graph
    }

    /// Reads the graph file, or builds the model's graph.
    func source() throws -> Source {
        if model.hasSuffix(".onnx") { return Source(graph: try importedGraph()) }
        if model.hasSuffix(".ir") { return Source(graph: try parsedGraph()) }
        let config = try configuration()
        let head = try head(config)
        let model = EncoderGraph(config: config, head: head, isTraining: training, adapter: lora)
        let built = try model.build()
        let frozen: FrozenParameters
        do {
            frozen = try FrozenParameters(freeze, of: built.parameters.map(\.name))
        } catch let error as FreezeError {
            throw CommandError(.usage, "--freeze \(error.problem)")
        }
        guard training else { return Source(graph: built.graph) }
        let trained = Set(model.trainedParameters(of: built).map(\.name))
        let forward = try built.graph.freezingParameters { frozen.contains($0) || !trained.contains($0) }
        let treatments = built.parameters.map { ($0.name, ParameterTreatment(decays: $0.decays)) }
        let options = OptimizerOptions(
            maxGradientNorm: 1, treatments: Dictionary(uniqueKeysWithValues: treatments))
        return Source(
            forward: forward, optimizer: options, graph: try trainingStep(forward, options: options))
    }

    private var lora: LoRAConfig? {
        loraRank.map { rank in
            var lora = LoRAConfig()
            (lora.rank, lora.targetModules) = (rank, targetModules)
            return lora
        }
    }

    private func importedGraph() throws -> Graph {
        guard FileManager.default.fileExists(atPath: model) else {
            throw CommandError(.missingInput, "\(model): no such file; expected an ONNX model")
        }
        let imported = try ONNXModel(contentsOf: model)
        for line in imported.notes { Console.note("\(model): \(line)") }
        return imported.graph
    }

    private func parsedGraph() throws -> Graph {
        guard FileManager.default.fileExists(atPath: model) else {
            throw CommandError(
                .missingInput, "\(model): no such file; expected a graph in text form (docs/ir.md)")
        }
        guard let text = String(validating: try readFile(model), as: UTF8.self) else {
            throw CommandError(
                .badData, "\(model): is not UTF-8 text; expected a graph in text form (docs/ir.md)")
        }
        do {
            return try Graph(parsing: text, file: model)
        } catch {
            throw CommandError(.badData, "\(error)")
        }
    }

    private func configuration() throws -> EncoderConfig {
        guard FileManager.default.fileExists(atPath: model) else {
            throw CommandError(
                .missingInput,
                "\(model): no such model; expected a model directory, model.json or graph file (.ir)")
        }
        return try EncoderConfig(contentsOf: URL(file: model))
    }

    private func head(_ config: EncoderConfig) throws -> EncoderHead {
        let classes = labels ?? config.labelCount
        let head: EncoderHead =
            switch task {
            case .classification: .classification(labels: classes)
            case .regression: .regression
            case .tokenClassification: .tokenClassification(labels: classes)
            case .encoder: .encoder
            case .multiLabel: .multiLabelClassification(labels: classes)
            case .multipleChoice: .multipleChoice
            case .questionAnswering: .questionAnswering
            case .maskedLM: .maskedLM
            case .pretraining: .pretraining
            case .nextSentence: .nextSentencePrediction
            case .discriminator: .discriminator
            case nil:
                if let architecture = config.architecture, architecture != .encoder {
                    EncoderHead(of: architecture, config.problemType, labels: classes)
                } else {
                    labels != nil || !config.labels.isEmpty ? .classification(labels: classes) : .encoder
                }
            }
        if training, head == .encoder {
            throw CommandError(
                .usage,
                "\(model): is a plain encoder and has no loss to train on; "
                    + "choose a --task, e.g. classification"
            )
        }
        return head
    }
}
