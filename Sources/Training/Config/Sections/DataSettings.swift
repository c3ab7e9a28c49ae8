import Text

/// The data of a run with labels, and how texts become sequences.
public struct DataSettings: Sendable, Equatable {
    /// The folder of GLUE, or of the task in it; for GLUE's tasks, which need no other files.
    public var glueFolder: String?
    /// Training data; `-` is standard input.
    public var trainFile = "data/train.txt"
    /// `nil` takes `data/valid.txt` if there is one; an empty string says that there is no validation.
    public var validationFile: String?
    /// `nil` takes `data/test.txt` if there is one; an empty string says that there is no test.
    public var testFile: String?
    /// How the files are laid out; `auto` goes by their endings and first lines.
    public var format = DataFormat.auto
    /// Whether the first row of a file with columns names them.
    public var header = TableHeader.auto
    /// Columns by name or number from 0, members of JSON by name.
    public var textColumn: String?
    /// The column or member with the second text, by name or number from 0; found when `nil`.
    public var pairColumn: String?
    /// The columns or members with the texts of an example, by name or number from 0, the anchor's first; found when empty.
    public var textColumns: [String] = []
    /// The column or member with the label, by name or number from 0; found when `nil`.
    public var labelColumn: String?
    /// What stands between the labels of an example that has several in a text.
    public var labelSeparator = ","
    /// Labels that mean that an example has none and is left out; detected when `nil`.
    public var missingLabels: [String]?
    /// Tokens of a sequence at most; the model's positions when `nil`.
    public var maxLength: Int?
    /// Which text of a pair is cut when a sequence is too long.
    public var truncation = Truncation.longestFirst
}

extension DataSettings: ConfigSection {
    package static var fields: [ConfigField<Self>] {
        [
            .init(
                "data", \.glueFolder,
                "GLUE's folder, or the task's own in it; required for GLUE's tasks, which take no other files.",
                effect: .none, isPath: true),
            .init(
                "trainFile", \.trainFile,
                "Training data ([below](#data-files)): `.tsv`, `.csv`, `.jsonl`, `.json` or `X.txt` (one text per line, "
                    + "labels in `X_labels.txt`), each also with `.gz`; `-` is standard input. For `token_classification` "
                    + "a CoNLL file or JSON, for `question_answering` SQuAD's JSON.", isPath: true),
            .init(
                "validationFile", \.validationFile,
                "Validation data; null is `data/valid.txt` if that exists, \"\" is none.",
                effect: .none, isPath: true),
            .init(
                "testFile", \.testFile, "Test data; null is `data/test.txt` if that exists, \"\" is none.",
                effect: .none, isPath: true),
            .init(
                "format", \.format,
                "How the files are laid out; \"auto\" goes by their endings, else by their first lines.",
                effect: .none),
            .init("header", \.header, "Whether the first row of a file with columns names them."),
            .init(
                column: "textColumn", \.textColumn,
                "The column or member with the text, by name or number from 0; null finds it ([below](#data-files)). Of "
                    + "words with labels, the one with the words."
            ),
            .init(
                column: "pairColumn", \.pairColumn,
                "The one with the second text, likewise; of `multiple_choice` the one with what each choice starts with."
            ),
            .init(
                "textColumns", \.textColumns,
                "`embedding`, `reranking`: the columns of the texts of an example, the anchor's first; [] finds them "
                    + "([embedding.md](embedding.md#data)). `multiple_choice`: the column of each choice, or the one with lists of them."
            ),
            .init(column: "labelColumn", \.labelColumn, "The one with the label, likewise."),
            .init(
                "labelSeparator", \.labelSeparator,
                "`multi_label_classification`: what stands between the labels of an example, where they are not a list of JSON.",
                expectation: "a text", isLegal: { !$0.isEmpty }),
            .init(
                "missingLabels", \.missingLabels,
                "Labels that mean that an example has none and is left out, such as [\"-1\"]; null finds out whether `-` "
                    + "and `-1` are such."),
            .init(
                "maxLength", \.maxLength,
                "Tokens of a sequence at most, special ones included; null is what the model takes and its files allow, "
                    + "for `question_answering` at most 384.",
                atLeast: 3),
            .init("truncation", \.truncation, "Which text of a pair is cut when a sequence is too long."),
        ]
    }

    /// Refuses what the task does not read.
    func check(in config: TrainingConfig) throws {
        if glueFolder != nil, !config.task.isGlue {
            throw config.error(
                "data", "is for GLUE's tasks; set 'task' to one such as \"glue/mrpc\", or use trainFile")
        }
        if config.task != .multiLabelClassification {
            try config.refuseUseless(["labelSeparator"], "whose examples have one label each at most")
        }
        if ![.embedding, .reranking, .multipleChoice].contains(config.task) {
            try config.refuseUseless(["textColumns"], "which has textColumn and pairColumn")
        }
        if config.task.isRegression {
            try config.refuseUseless(["labelSmoothing"], "which has numbers and no labels")
        }
        switch config.task {
        case .classification, .regression: break
        case .multiLabelClassification:
            try config.refuseUseless(
                ["missingLabels", "labelSmoothing"],
                "whose examples may have no label, and labels a loss each")
        case .reranking:
            try config.refuseUseless(
                ["textColumn", "pairColumn", "missingLabels"], "whose texts are in 'textColumns'")
        case .multipleChoice:
            try config.refuseUseless(["missingLabels"], "where an empty label, - and -1 mean none")
        case .embedding:
            try config.refuseUseless(
                ["textColumn", "pairColumn", "missingLabels", "truncation"],
                "whose texts are in 'textColumns' and are cut at their end")
        case .tokenClassification:
            try config.refuseUseless(
                ["pairColumn", "missingLabels", "truncation"],
                "which reads words with a label each and cuts sentences at their end")
        case .questionAnswering:
            try config.refuseUseless(
                Self.layout + ["truncation"], "which reads SQuAD's JSON and cuts contexts into windows")
        case .glue(let task):
            guard let glueFolder, !glueFolder.isEmpty else {
                throw config.error(
                    "data",
                    "is missing; the task \"\(config.task.rawValue)\" needs GLUE's folder or \(task.rawValue)'s own"
                )
            }
            try config.refuseUseless(Self.files, "whose files are in 'data'")
        case .pretrain: try config.refuseUseless(Self.files + ["truncation"], "whose files are 'textFiles'")
        }
    }

    /// Fields that name files with labels and describe them.
    private static let files = ["trainFile", "validationFile", "testFile"] + layout
    /// Fields that describe files.
    private static let layout = [
        "format", "header", "textColumn", "pairColumn", "labelColumn", "missingLabels",
    ]
}
