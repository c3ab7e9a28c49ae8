import Encoders
import GraphCompiler
import Pipelines
import Support
import Text

/// Reads the files of a run whose examples are groups of texts.
struct GroupReader {
    let training: TrainingConfig
    let source: ModelSource
    let maxLength: Int

    init(_ training: TrainingConfig, _ source: ModelSource, maxLength: Int) {
        (self.training, self.source, self.maxLength) = (training, source, maxLength)
    }

    /// The data sets of a run.
    struct Files {
        let train: GroupedDataset
        let validation: GroupedDataset?
        let test: GroupedDataset?
        var notes: [String] { [train, validation, test].flatMap { $0?.notes ?? [] } }
    }

    func files() throws -> Files {
        var options = GroupedDataset.Options()
        options.format = training.data.format
        options.header = training.data.header
        options.textColumns = training.data.textColumns.map { ColumnSelector($0) }
        options.labelColumn = training.data.labelColumn.map { ColumnSelector($0) }
        func load(_ path: String, _ options: GroupedDataset.Options) throws -> GroupedDataset {
            try GroupedDataset(contentsOf: path, options: options)
        }
        var own = options
        own.needsNumbers = training.loss.name.map {
            $0.needsNumbers && !($0.takesTeacher && training.distillation.teacher != nil)
        }
        let train = try load(training.dataPath(training.data.trainFile), own)
        // What is measured may have other columns, such as scores where training has none.
        func other(_ part: EvaluatedPart) throws -> GroupedDataset? {
            try training.path(of: part).map { try load($0, options) }
        }
        try checkPrompts(train)
        if own.needsNumbers == false, train.textCount > 2 { options.needsNumbers = false }
        return Files(train: train, validation: try other(.validation), test: try other(.test))
    }

    private func checkPrompts(_ dataset: GroupedDataset) throws {
        guard !training.loss.prompts.isEmpty else { return }
        if case .columns(let prompts) = training.loss.prompts,
            let name = prompts.map(\.column).first(where: { key in
                !dataset.columns.contains { $0.hasSameCodePoints(as: key) }
            })
        {
            throw training.error(
                "prompts",
                "has one for '\(name)', which is no column of texts of \(dataset.file); they are "
                    + dataset.columns.joined(separator: ", "))
        }
        for column in dataset.columns {
            let prompt = training.loss.prompts.prompt(of: column)
            guard !prompt.isEmpty else { continue }
            let count = try source.tokenizer.encode(prompt).count
            guard count >= maxLength else { continue }
            throw training.error(
                "prompts",
                "has one of \(count) tokens, special ones included, for '\(column)', which leaves no room for texts in 'maxLength' \(maxLength); "
                    + "shorten it or raise maxLength")
        }
        let leavesOut = source.sentence?.modules.contains {
            if case .pooling(_, let includesPrompt) = $0.kind { !includesPrompt } else { false }
        }
        if leavesOut == true {
            throw training.error(
                "prompts",
                "cannot be used with this model, whose Pooling has \"include_prompt\": false; remove either")
        }
    }

    /// The tokenised data with what the loss needs of the teacher.
    func data(_ dataset: GroupedDataset, _ teacher: VectorTeacher?, for loss: LossName) throws -> GroupedData
    {
        var data = try GroupedData(dataset, training, source, maxLength: maxLength)
        if let teacher {
            let vectors = try teacher.vectors(of: dataset.texts.flatMap(\.self))
            if loss == .mse {
                data.teacherVectors = vectors
            } else if dataset.textCount > 2 {
                data.numbers = teacher.margins(vectors, texts: dataset.textCount)
            }
        } else if loss == .marginMSE, dataset.textCount > 2 {
            data.numbers = try margins(of: dataset)
        }
        try check(data, dataset, for: loss, hasTeacher: teacher != nil)
        return data
    }

    /// Differences of the positive's and each negative's number, which the data have as such, or as the numbers.
    private func margins(of dataset: GroupedDataset) throws -> [[Float]]? {
        let negatives = dataset.textCount - 2
        return try dataset.numbers?.enumerated().map { example, numbers in
            if numbers.count == negatives { return numbers }
            guard numbers.count == negatives + 1 else {
                throw TextError(
                    .invalidLabel, file: dataset.file, line: dataset.lines[example],
                    "has \(Formatted.count(numbers.count, "number")) for \(Formatted.count(negatives, "negative")); expected "
                        + "\(negatives) differences, or \(negatives + 1) scores, the positive's first")
            }
            return numbers.dropFirst().map { numbers[0] - $0 }
        }
    }

    private func check(
        _ data: GroupedData, _ dataset: GroupedDataset, for loss: LossName, hasTeacher: Bool
    ) throws {
        guard let numbers = data.numbers, data.textCount == 2, !hasTeacher else { return }
        func refuse(_ example: Int, _ problem: String) -> TextError {
            TextError(.invalidLabel, file: dataset.file, line: dataset.lines[example], problem)
        }
        if loss != .mse, let several = numbers.firstIndex(where: { $0.count != 1 }) {
            throw refuse(several, "has \(numbers[several].count) numbers for a pair; expected one")
        }
        if loss == .cosineSimilarity, let other = numbers.firstIndex(where: { !(-1...1).contains($0[0]) }) {
            throw refuse(
                other,
                "has the score \(numbers[other][0]); \(loss.rawValue) compares cosines with scores, which must be -1 to 1: scale them, "
                    + "or use CoSENTLoss, for which their order counts")
        }
        if [.contrastive, .onlineContrastive].contains(loss), training.loss.name == loss,
            let other = numbers.firstIndex(where: { ![0, 1].contains($0[0]) })
        {
            throw refuse(
                other, "has the label \(numbers[other][0]); \(loss.rawValue) needs 0 or 1")
        }
    }
}
