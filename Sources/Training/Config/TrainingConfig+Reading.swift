import Encoders
import Foundation
import GraphIR
import Pipelines
import Support

extension TrainingConfig {
    /// Reads a `train.json`. Paths in it are relative to the file's directory.
    ///
    /// - Throws: `TrainingConfigError` naming the file, the field, what was expected and what was found.
    public init(contentsOf path: String) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw TrainingConfigError(file: path, problem: "no such file; expected a training configuration")
        }
        guard !isDirectory.boolValue else {
            throw TrainingConfigError(
                file: path, problem: "is a directory; expected a training configuration such as train.json")
        }
        try self.init(
            json: try readFile(path), file: path, directory: path.parentPath)
    }

    /// Decodes the text of a `train.json`.
    ///
    /// - Parameters:
    ///   - file: what errors call the text.
    ///   - directory: what relative paths start from; empty for the working directory.
    /// - Throws: `TrainingConfigError`.
    public init(json: Data, file: String = "training configuration", directory: String = "") throws {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: json)
        } catch {
            throw TrainingConfigError(file: file, problem: "is \(error)")
        }
        guard case .object(let object) = value else {
            throw TrainingConfigError(file: file, problem: "holds \(value.kind), expected a JSON object")
        }
        self.init()
        self.file = file
        self.directory = directory
        for (name, value) in object.sorted.members { try set(name, value) }
        try validate()
    }

    /// Sets one field by its name in the file.
    ///
    /// - Throws: `TrainingConfigError` for an unknown name (with the nearest legal one) or an ill-typed value.
    public mutating func set(_ name: String, _ value: JSONValue) throws {
        let fields = Self.fields
        guard let field = fields.first(where: { $0.name == name }) else {
            let nearest = nearestName(to: name, among: fields.map(\.name))
            throw TrainingConfigError(
                file: file, field: name,
                problem: "is not a field"
                    + (nearest.map { "; did you mean '\($0)'?" } ?? "; see docs/training.md"))
        }
        if let expected = field.set(&self, value) {
            throw TrainingConfigError(
                file: file, field: name, problem: "is \(value.shown), expected \(expected)")
        }
    }

    /// The configuration as JSON, every field included.
    public var json: JSONValue {
        .object(Self.fields.map { ($0.name, $0.json(self)) })
    }

    /// Checks every field, and the fields against one another. `trainModel` calls it.
    ///
    /// - Throws: `TrainingConfigError`.
    public func validate() throws {
        // Setting each field to its own value runs its check, whichever way the value got here.
        var copy = self
        for field in Self.fields { try copy.set(field.name, field.json(self)) }
        func refuse(_ field: String, _ problem: String) -> TrainingConfigError {
            TrainingConfigError(file: file, field: field, problem: problem)
        }
        if let metric, !metric.suits(task) {
            let legal = Metric.allCases.filter { $0.suits(task) }.map { "\"\($0.rawValue)\"" }
            throw refuse(
                "metric",
                "is \"\(metric.rawValue)\", which needs \(metric.need); expected "
                    + legal.dropLast().joined(separator: ", ") + " or \(legal[legal.count - 1])")
        }
        if bucketWidth != 1, batching != .uniform {
            throw refuse(
                "bucketWidth",
                "has no use with \"batching\": \"\(batching.rawValue)\"; set that to \"uniform\", or remove this"
            )
        }
        try validateMask(refuse)
        try validateData(refuse)
        try validatePretraining(refuse)
        if task == .tokenClassification {
            try refuseSet(
                ["pairColumn", "missingLabels", "truncation"],
                "which reads words with a label each and cuts sentences at their end", refuse)
        }
        if earlyStopping != nil, validationFile == "" {
            throw refuse("earlyStopping", "needs a validationFile; name one or remove it")
        }
    }

    /// The learning rate of the only phase, or of the first one.
    var firstLearningRate: Double { phases.first?.learningRate ?? learningRate }

    /// The fields of a learned mask need one; its learning rate is a multiple of the parameters'.
    private func validateMask(_ refuse: (String, String) -> TrainingConfigError) throws {
        let defaults = TrainingConfig()
        let names = ["damLength", "damLambda", "damLearningRate", "damPerLayer"]
        for field in Self.fields where dam == nil && names.contains(field.name) {
            guard field.json(self) == field.json(defaults) else {
                throw refuse(
                    field.name, "has no use without 'dam'; set that to \"structured\", or remove this")
            }
        }
        if let damLearningRate, damLearningRate > 0, firstLearningRate == 0 {
            throw refuse("damLearningRate", "needs a learningRate above 0, whose schedule it follows")
        }
    }

    /// GLUE's tasks have their own files, and only they have `data`.
    private func validateData(_ refuse: (String, String) -> TrainingConfigError) throws {
        guard case .glue(let glue) = task else {
            guard data == nil else {
                throw refuse(
                    "data", "is for GLUE's tasks; set 'task' to one such as \"glue/mrpc\", or use trainFile")
            }
            return
        }
        guard let data, !data.isEmpty else {
            throw refuse(
                "data",
                "is missing; the task \"\(task.rawValue)\" needs GLUE's folder or \(glue.rawValue)'s own")
        }
        try refuseSet(Self.labelledFiles, "whose files are in 'data'", refuse)
    }

    /// Pre-training has its own files and fields.
    private func validatePretraining(_ refuse: (String, String) -> TrainingConfigError) throws {
        guard task == .pretrain else {
            return try refuseSet(
                Self.pretrainingFields.map(\.name), "but only in \"pretrain\"", refuse)
        }
        guard !textFiles.isEmpty else {
            throw refuse("textFiles", "is missing; the task \"pretrain\" needs files with text")
        }
        try refuseSet(Self.labelledFiles + ["truncation"], "whose files are 'textFiles'", refuse)
        if !phases.isEmpty, maxSteps != nil {
            throw refuse("maxSteps", "has no use beside 'phases', which have their own steps; remove it")
        }
    }

    private static let labelledFiles =
        [
            "trainFile", "validationFile", "testFile",
        ] + columns

    private static let columns = [
        "format", "header", "textColumn", "pairColumn", "labelColumn", "missingLabels",
    ]

    /// Refuses fields that the task does not look at, when they are not as they were.
    private func refuseSet(
        _ names: [String], _ reason: String, _ refuse: (String, String) -> TrainingConfigError
    ) throws {
        let defaults = TrainingConfig()
        for field in Self.fields where names.contains(field.name) && field.json(self) != field.json(defaults)
        {
            throw refuse(
                field.name, "has no use in the task \"\(task.rawValue)\", \(reason); remove it")
        }
    }

    /// A path of the file as the working directory sees it.
    public func resolve(_ path: String) -> String { Self.path(path, from: directory) }

    /// A path that starts from `directory` if it is relative. What `..` takes back is left out, unless it is a symbolic
    /// link, which leads elsewhere.
    package static func path(_ path: String, from directory: String) -> String {
        if path.hasPrefix("/") || directory.isEmpty { return path }
        let root = directory.hasPrefix("/") ? "/" : ""
        var parts: [Substring] = []
        for part in (directory + "/" + path).split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != "..",
                !isSymbolicLink(root + parts.joined(separator: "/"))
            {
                parts.removeLast()
            } else {
                parts.append(part)
            }
        }
        let joined = root + parts.joined(separator: "/")
        return joined.isEmpty ? "." : joined
    }
}

private func isSymbolicLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
}

extension Metric {
    /// Whether a model for the task has the metric.
    fileprivate func suits(_ task: TrainingTask) -> Bool {
        switch self {
        case .loss: true
        case .accuracy, .f1, .macroF1, .matthews: !task.isRegression && task != .pretrain
        case .pearson, .spearman: task.isRegression
        case .maskedLMLoss, .maskedLMAccuracy, .nextSentenceAccuracy: task == .pretrain
        case .precision, .recall: task == .tokenClassification
        }
    }

    /// What a task needs to have the metric.
    fileprivate var need: String {
        switch self {
        case .loss: "examples"
        case .accuracy, .f1, .macroF1, .matthews: "labels"
        case .pearson, .spearman: "numbers"
        case .maskedLMLoss, .maskedLMAccuracy, .nextSentenceAccuracy: "the task \"pretrain\""
        case .precision, .recall: "the task \"token_classification\""
        }
    }
}

extension JSONValue {
    /// The value in an error message: short ones as they are, others by their kind.
    fileprivate var shown: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): value.count <= 40 ? "\"\(value)\"" : "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
