import Foundation
import Support
import Text

/// The data sets that a configuration names, as texts.
struct DataFiles {
    let train: TextDataset
    let validation: TextDataset?
    let test: TextDataset?
    /// Names of the classes, when the task knows them before its data are read.
    let labels: [String]?
    /// What to know about the files.
    let warnings: [String]

    /// - Throws: `TextError` with file and line.
    init(_ config: TrainingConfig) throws {
        switch config.task {
        case .glue(let task): try self.init(task, in: config.resolve(config.data.glueFolder ?? ""))
        case .classification, .multiLabelClassification, .regression, .tokenClassification,
            .questionAnswering, .multipleChoice, .pretrain, .embedding, .reranking:
            try self.init(named: config)
        }
    }

    /// The training and development files of a GLUE task; of MNLI the matched ones. Its test files have no labels.
    private init(_ task: GlueTask, in directory: String) throws {
        let folder = try GlueFolder(task, in: directory)
        let files = (train: try folder.load(.train), dev: try folder.load(.dev))
        train = files.train.dataset
        validation = files.dev.dataset
        test = nil
        labels = task.labels.isEmpty ? nil : task.labels
        warnings = [files.train, files.dev].filter { $0.skippedCount > 0 }.map {
            "\($0.dataset.textFile): \(Formatted.count($0.skippedCount, "row with missing fields is", "rows with missing fields are")) left out"
        }
    }

    private init(named config: TrainingConfig) throws {
        var options = config.textOptions
        func load(_ path: String) throws -> TextDataset {
            try TextDataset.load(path: path, format: config.data.format, options: options)
        }
        let all = try load(config.dataPath(config.data.trainFile))
        let share = config.examples.validationShare
        let split = HeldOutSplit(
            labels: all.examples.map { config.task == .classification ? $0.label ?? "" : "" }, share: share,
            seed: config.seed)
        train = share > 0 ? all.selecting(split.train) : all
        // The other files are laid out as the training data, and what has no label in them is what training does not know.
        options.like = train.layout
        if options.labels == .classes {
            options.knownLabels = Set(train.examples.compactMap { $0.label.map { TextKey($0) } })
        }
        validation =
            share > 0
            ? try config.heldOut(all.selecting(split.heldOut)) : try config.path(of: .validation).map(load)
        test = try config.path(of: .test).map(load)
        labels = nil
        warnings = [all, share > 0 ? nil : validation, test].flatMap { $0?.notes ?? [] }
    }
}

extension TrainingConfig {
    /// The examples that `validationShare` keeps out of training.
    fileprivate func heldOut(_ dataset: TextDataset) throws -> TextDataset {
        guard dataset.count > 0 else { throw tooSmallShare }
        return dataset
    }

    /// The sentences that stay in training, and those that `validationShare` keeps for validation; sentences have no label to go by.
    func split(_ dataset: TaggedDataset) throws -> (train: TaggedDataset, heldOut: TaggedDataset)? {
        guard examples.validationShare > 0 else { return nil }
        let split = HeldOutSplit(
            labels: dataset.sentences.map { _ in "" }, share: examples.validationShare, seed: seed)
        guard !split.heldOut.isEmpty else { throw tooSmallShare }
        return (dataset.selecting(split.train), dataset.selecting(split.heldOut))
    }

    /// The share of the training data keeps no example.
    var tooSmallShare: ConfigError {
        error("validationShare", "keeps no example for validation, so few there are; raise it")
    }

    /// Where a part's file is; `nil` without it. A file that is named must exist, which loading finds out; the usual one
    /// may.
    func path(of part: EvaluatedPart) -> String? {
        let (named, usual) =
            switch part {
            case .validation: (data.validationFile, "data/valid.txt")
            case .test: (data.testFile, "data/test.txt")
            }
        if part == .validation, examples.validationShare > 0 { return nil }
        if let named { return named.isEmpty ? nil : dataPath(named) }
        let file = resolve(usual)
        return FileManager.default.fileExists(atPath: file) ? file : nil
    }

    /// Where a data file is: in a path of the configuration, or standard input.
    func dataPath(_ path: String) -> String {
        path == DataPath.standardInput ? path : resolve(path)
    }

    /// How the columns of the data files are found.
    var textOptions: TextDataset.Options {
        var options = TextDataset.Options(
            header: data.header, textColumn: data.textColumn.map { ColumnSelector($0) },
            pairColumn: data.pairColumn.map { ColumnSelector($0) },
            labelColumn: data.labelColumn.map { ColumnSelector($0) },
            labels: task == .multiLabelClassification ? .sets : task.isRegression ? .numbers : .classes)
        options.labelSeparator = data.labelSeparator
        options.missingLabels = data.missingLabels
        options.weightColumn = examples.weightColumn.map { ColumnSelector($0) }
        return options
    }
}
