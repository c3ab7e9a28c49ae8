import Foundation
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
        case .glue(let task): try self.init(task, in: config.resolve(config.data ?? ""))
        case .classification, .regression, .tokenClassification, .pretrain: try self.init(named: config)
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
            "\($0.dataset.textFile): \($0.skippedCount) rows with missing fields are left out"
        }
    }

    private init(named config: TrainingConfig) throws {
        let header: TextDataset.Options.Header =
            switch config.header {
            case .auto: .auto
            case .present: .present
            case .absent: .absent
            }
        let options = TextDataset.Options(
            header: header, textColumn: config.textColumn.map { ColumnSelector($0) },
            pairColumn: config.pairColumn.map { ColumnSelector($0) },
            labelColumn: config.labelColumn.map { ColumnSelector($0) }, requireLabels: true)
        func load(_ path: String) throws -> TextDataset { try TextDataset.load(path: path, options: options) }
        train = try load(config.resolve(config.trainFile))
        validation = try config.path(of: .validation).map(load)
        test = try config.path(of: .test).map(load)
        labels = nil
        warnings = []
    }
}

extension TrainingConfig {
    /// Where a part's file is; `nil` without it. A file that is named must exist, which loading finds out; the usual one
    /// may.
    func path(of part: EvaluatedPart) -> String? {
        let (named, usual) =
            switch part {
            case .validation: (validationFile, "data/valid.txt")
            case .test: (testFile, "data/test.txt")
            }
        if let named { return named.isEmpty ? nil : resolve(named) }
        let file = resolve(usual)
        return FileManager.default.fileExists(atPath: file) ? file : nil
    }
}
