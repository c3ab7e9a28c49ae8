import Encoders
import GraphCompiler
import Pipelines
import Support
import Text

/// Which loss a run has.
struct LossChoice {
    let name: LossName

    /// - Throws: `ConfigError` when the data are not what the loss needs.
    init(_ training: TrainingConfig, _ data: GroupedDataset) throws {
        name =
            training.loss.name
            ?? (data.numbers != nil && data.textCount == 2 ? .coSENT : .multipleNegativesRanking)
        try training.loss.check(name, in: training)
        let counts = name.textCounts
        guard counts.contains(data.textCount) else {
            let wanted =
                counts.lowerBound == counts.upperBound
                ? "\(counts.lowerBound)" : "at least \(counts.lowerBound)"
            throw training.error(
                "loss",
                "is \"\(name.rawValue)\", which needs \(wanted) texts in an example, but \(data.file) has "
                    + "\(data.textCount): \(data.columns.joined(separator: ", ")); choose 'textColumns' or another loss"
            )
        }
    }
}

extension SentenceLoss {
    /// - Parameters:
    ///   - data: the training data.
    ///   - width: elements of a vector.
    /// - Throws: `ConfigError` for settings that do not fit the model or the data.
    init(_ name: LossName, _ training: TrainingConfig, _ data: GroupedData, width: Int) throws {
        let settings = training.loss
        func distance(_ usual: DistanceMetric) -> Distance {
            switch settings.distance ?? usual {
            case .cosine: .cosine
            case .euclidean: .euclidean
            case .manhattan: .manhattan
            }
        }
        let kind: Kind =
            switch name {
            case .multipleNegativesRanking:
                .multipleNegativesRanking(scale: settings.scale, isSymmetric: settings.isSymmetric)
            case .coSENT: .coSENT(scale: settings.scale)
            case .cosineSimilarity: .cosineSimilarity
            case .contrastive: .contrastive(margin: settings.margin ?? 0.5, distance(.cosine))
            case .onlineContrastive: .onlineContrastive(margin: settings.margin ?? 0.5, distance(.cosine))
            case .triplet: .triplet(margin: settings.margin ?? 5, distance(.euclidean))
            case .marginMSE: .marginMSE
            case .mse, .binaryCrossEntropy, .listNet: .mse
            }
        self.init(kind, texts: data.textCount)
        teacherWidth = width
        let wide = settings.matryoshkaDims.first { $0 > width }
        if let wide {
            throw training.error(
                "matryoshkaDims", "has \(wide), but the model's vectors have \(width) elements; lower it")
        }
        let weights = settings.matryoshkaWeights
        prefixes = settings.matryoshkaDims.enumerated().map {
            Prefix(width: $1, weight: weights.isEmpty ? 1 : weights[$0])
        }.sorted { $0.width > $1.width }
    }

    /// Whether it needs numbers for each example.
    var readsNumbers: Bool {
        switch kind {
        case .coSENT, .cosineSimilarity, .contrastive, .onlineContrastive, .marginMSE: true
        case .multipleNegativesRanking, .triplet, .mse: false
        }
    }

    /// What the loss reads beside the vectors.
    ///
    /// - Parameters:
    ///   - rows: the row of each example's first text; the others follow.
    ///   - numbers: those of each example.
    ///   - teacherVectors: the teacher's vector of each row.
    func inputs(
        rows: ArraySlice<Int32>, numbers: [[Float]], teacherVectors: [[Float]]?
    ) -> [String: TensorData] {
        var inputs: [String: TensorData] = [:]
        if kind == .mse {
            // Without a teacher the numbers are the vector of all texts of the example.
            let vectors = teacherVectors ?? numbers.flatMap { Array(repeating: $0, count: texts) }
            inputs[Input.teacherVectors] = matrix(vectors.flatMap(\.self), columns: teacherWidth)
        } else {
            let all = rows.flatMap { row in (0..<Int32(texts)).map { row + $0 } }
            inputs[Input.rows] = try? TensorData(all, shape: [rows.count, texts])
        }
        if readsNumbers {
            let all = numbers.flatMap(\.self)
            inputs[Input.labels] = kind == .marginMSE ? matrix(all, columns: texts - 2) : TensorData(all)
        }
        return inputs
    }

    private func matrix(_ values: [Float], columns: Int) -> TensorData? {
        try? TensorData(values, shape: [values.count / max(1, columns), columns])
    }
}
