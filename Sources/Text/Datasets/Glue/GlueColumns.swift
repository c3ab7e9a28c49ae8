/// Positions of what is read from a GLUE file, and how many columns each row has.
struct GlueColumns {
    let text: Int
    let pair: Int?
    let label: Int?
    /// The number that predictions are submitted under.
    let index: Int?
    let count: Int

    /// CoLA's training and development files, which have no header: source, label, the author's own mark
    /// (`*` or nothing), sentence.
    static let cola = GlueColumns(text: 3, pair: nil, label: 1, index: nil, count: 4)

    init(text: Int, pair: Int?, label: Int?, index: Int?, count: Int) {
        self.text = text
        self.pair = pair
        self.label = label
        self.index = index
        self.count = count
    }

    /// Finds the columns of a header, whose number and order differ between a task's files: MNLI has 12 columns in
    /// train, 16 in dev and 10 in test.
    init(_ header: [String], task: GlueTask, split: GlueSplit, path: String) throws(TextError) {
        let names = header.map { $0.lowercased() }
        func position(_ name: String) throws(TextError) -> Int {
            guard let position = names.firstIndex(of: name.lowercased()) else {
                throw TextError(
                    .invalidColumns, file: path, line: 1,
                    "has no column \"\(name)\"; columns are \(header.joined(separator: ", ")); "
                        + "expected \(task.rawValue)'s \(task.fileName(of: split))")
            }
            return position
        }
        let (textName, pairName, labelName) = task.columnNames
        text = try position(textName)
        pair = try pairName.map { name throws(TextError) in try position(name) }
        label = split.isTest ? names.firstIndex(of: labelName.lowercased()) : try position(labelName)
        index = ["index", "id"].lazy.compactMap { names.firstIndex(of: $0) }.first
        count = header.count
    }
}

extension GlueTask {
    /// Header names of text, second text and label.
    fileprivate var columnNames: (text: String, pair: String?, label: String) {
        switch self {
        case .cola, .sst2: ("sentence", nil, "label")
        case .mrpc: ("#1 String", "#2 String", "Quality")
        case .stsb: ("sentence1", "sentence2", "score")
        case .qqp: ("question1", "question2", "is_duplicate")
        case .mnli: ("sentence1", "sentence2", "gold_label")
        case .qnli: ("question", "sentence", "label")
        case .rte, .wnli: ("sentence1", "sentence2", "label")
        }
    }
}
