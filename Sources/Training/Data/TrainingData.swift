import Encoders
import Foundation
import GraphCompiler
import Pipelines
import Text

/// The data sets of a run, tokenised.
struct TrainingData {
    /// Names of the classes by id; empty for regression.
    let labels: [String]
    /// Whether the classes are those of the model's own head.
    let areModelsLabels: Bool
    let parts: DataParts<LabelledData>
    /// Tokens of a sequence at most.
    let maxLength: Int
    /// What to know about the files.
    let warnings: [String]

    /// Loads and tokenises.
    ///
    /// The labels are the training data's, or the GLUE task's, or the model's (`TrainedLabels`).
    ///
    /// - Throws: `TextError` with file and line, `ModelError` for a setting that does not fit the model.
    init(_ config: TrainingConfig, _ model: ModelSource) throws {
        maxLength = try config.maxLength(of: model)
        let files = try DataFiles(config)
        var chosen: TrainedLabels?
        if !config.task.isRegression {
            let own =
                try files.labels.map { try LabelMap(names: $0) }
                ?? (config.task == .multiLabelClassification
                    ? LabelMap(labelSetsOf: files.train) : LabelMap(labelsOf: files.train))
            chosen = try TrainedLabels(
                own, model: model.config.labels, file: files.train.labelFile,
                least: config.task == .multiLabelClassification ? 1 : 2)
        }
        warnings = files.warnings + (chosen?.notes ?? [])
        labels = chosen?.map.names ?? []
        areModelsLabels = chosen?.areModels ?? false
        let encoder = DataEncoder(model: model, config: config, labels: chosen?.map, maxLength: maxLength)
        var train = try encoder.encode(files.train)
        train.weights = try Self.weights(config, labels, files.train, train.targets)
        parts = DataParts(
            train: train, validation: try files.validation.map(encoder.encode),
            test: try files.test.map(encoder.encode))
    }

    /// How much the training examples count: their own weights times those of their labels.
    private static func weights(
        _ config: TrainingConfig, _ labels: [String], _ dataset: TextDataset, _ targets: Targets
    ) throws -> [Float]? {
        guard config.examples.areWeighted else { return nil }
        let own = dataset.examples.map { $0.weight ?? 1 }
        guard let classes = config.examples.classWeights, case .classes(let ids) = targets else { return own }
        let values = try classes.values(labels, of: ids, file: config.file)
        return zip(own, ids).map { $0 * values[Int($1)] }
    }
}

extension TrainingConfig {
    /// Tokens of a sequence at most.
    func maxLength(of model: ModelSource) throws -> Int {
        let maxLength = data.maxLength ?? min(model.config.positionCount, model.limit?.length ?? .max)
        guard maxLength <= model.config.positionCount else {
            throw ModelError(
                .invalidSetting,
                "'maxLength' is \(maxLength), but the model has \(model.config.positionCount) positions; lower it",
                at: file)
        }
        return maxLength
    }
}

/// Turns texts into token ids and labels into targets.
private struct DataEncoder {
    let model: ModelSource
    let config: TrainingConfig
    let labels: LabelMap?
    let maxLength: Int

    func encode(_ dataset: TextDataset) throws -> LabelledData {
        if dataset.hasPairs, model.config.acceptedTokenTypes < model.tokenizer.tokenTypes(isPair: true) {
            throw ModelError(
                .invalidModel, "has only one token type, but \(dataset.textFile) holds pairs of texts",
                at: model.path)
        }
        // Targets first: a mistake in a label is found before the long work.
        let targets = try targets(of: dataset)
        let encodings = try model.tokenizer.encode(
            dataset, maxLength: maxLength, truncation: config.data.truncation,
            runner: Compiler.tasks(threads: config.machine.threads))
        if let long = encodings.firstIndex(where: { $0.count > maxLength }) {
            throw TextError(
                .cannotTruncate, file: dataset.textFile, line: dataset.lines[long],
                "has \(encodings[long].count) tokens but at most \(maxLength) are allowed; shorten it or set "
                    + "'truncation' to \"longest_first\"")
        }
        return LabelledData(path: dataset.textFile, encodings: encodings, targets: targets)
    }

    private func targets(of dataset: TextDataset) throws -> Targets {
        guard let labels else { return .numbers(try dataset.regressionTargets()) }
        return config.task == .multiLabelClassification
            ? .sets(try labels.sets(for: dataset), labelCount: labels.count)
            : .classes(try labels.ids(for: dataset))
    }
}
