import BERT
import Foundation
import Text

/// The data sets of a run, tokenised.
struct TrainingData {
    /// Names of the classes by id; empty for regression.
    let labels: [String]
    let train: LabelledData
    let validation: LabelledData?
    let test: LabelledData?
    /// Tokens of a sequence at most.
    let maxLength: Int
    /// What to know about the files.
    let warnings: [String]

    /// Loads and tokenises.
    ///
    /// The labels are the training data's, or the GLUE task's. When all of them are among the model's own, the
    /// model's stay, with their order: a classifier that is trained further keeps its outputs.
    ///
    /// - Throws: `TextError` with file and line, `TrainingError` for a setting that does not fit the model.
    init(_ config: TrainingConfig, _ model: ModelSource) throws {
        maxLength = config.maxLength ?? model.config.maxPositions
        guard maxLength <= model.config.maxPositions else {
            throw TrainingError(
                .invalidSetting,
                "'maxLength' is \(maxLength), but the model has \(model.config.maxPositions) positions; lower it",
                at: config.file)
        }
        let files = try DataFiles(config)
        warnings = files.warnings
        let map: LabelMap?
        if config.task.isRegression {
            map = nil
        } else {
            let own = try files.labels.map { try LabelMap(names: $0) } ?? LabelMap(labelsOf: files.train)
            let keepsModels = own.names.allSatisfy(model.config.labels.contains)
            map = keepsModels ? try LabelMap(names: model.config.labels) : own
            guard own.count > 1 || keepsModels else {
                throw TrainingError(
                    .invalidSetting,
                    "all examples have the label \"\(own.names[0])\"; expected at least two labels",
                    at: files.train.labelFile)
            }
        }
        labels = map?.names ?? []
        let encoder = DataEncoder(model: model, config: config, labels: map, maxLength: maxLength)
        train = try encoder.encode(files.train)
        validation = try files.validation.map(encoder.encode)
        test = try files.test.map(encoder.encode)
    }
}

/// Turns texts into token ids and labels into targets.
private struct DataEncoder {
    let model: ModelSource
    let config: TrainingConfig
    let labels: LabelMap?
    let maxLength: Int

    func encode(_ dataset: TextDataset) throws -> LabelledData {
        if dataset.hasPairs, model.config.tokenTypes < 2 {
            throw TrainingError(
                .invalidModel, "has one token type only, but \(dataset.textFile) holds pairs of texts",
                at: model.path)
        }
        // Targets first: a mistake in a label is found before the long work.
        let targets =
            try labels.map { Targets.classes(try $0.ids(for: dataset)) }
            ?? .numbers(
                try dataset.regressionTargets())
        let truncation: Truncation =
            switch config.truncation {
            case .longestFirst: .longestFirst
            case .onlyFirst: .onlyFirst
            case .onlySecond: .onlySecond
            case .doNotTruncate: .doNotTruncate
            }
        let encodings = try model.tokenizer.encode(dataset, maxLength: maxLength, truncation: truncation)
        if let long = encodings.firstIndex(where: { $0.count > maxLength }) {
            throw TextError(
                .cannotTruncate, file: dataset.textFile, line: dataset.lines[long],
                "has \(encodings[long].count) tokens but at most \(maxLength) are allowed; shorten it or set "
                    + "'truncation' to \"longest_first\"")
        }
        return LabelledData(path: dataset.textFile, encodings: encodings, targets: targets)
    }
}
