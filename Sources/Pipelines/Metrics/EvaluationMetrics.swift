import Foundation

/// How good a model is on a data set with labels.
public struct EvaluationMetrics: Hashable, Sendable {
    /// Examples; of a token classifier, labelled words.
    public let count: Int
    /// Mean cross-entropy in nats, mean squared error, or what vectors are trained by; NaN where the data do not have what
    /// that needs.
    public let loss: Double
    /// Examples by label; `nil` for regression and pre-training.
    public let confusionCounts: ConfusionCounts?
    /// Pearson's correlation of predicted and actual numbers; `nil` for classification, or when it is not defined.
    public let pearson: Double?
    /// Spearman's rank correlation of predicted and actual numbers; `nil` when `pearson` is.
    public let spearman: Double?
    /// Why `pearson` and `spearman` are not defined, of a regression model.
    public let undefinedCorrelation: UndefinedCorrelation?
    /// Metrics of pre-training; `nil` for other tasks.
    public let pretraining: PretrainingMetrics?
    /// Metrics of entities, for token classifiers only.
    public private(set) var entities: EntityMetrics?
    /// Metrics of sets of labels, for multi-label classifiers only.
    public private(set) var multiLabel: MultiLabelMetrics?
    /// Metrics of answers, for question answering only.
    public private(set) var answers: AnswerMetrics?
    /// Examples whose right text was chosen, of multiple choice only.
    public private(set) var rightChoices: Int?
    /// Metrics of vectors, for models that make them.
    public private(set) var similarity: SimilarityMetrics?

    /// Metrics of a classifier.
    /// - Parameters:
    ///   - guesses: what it says of each example.
    ///   - targets: the index of each example's label.
    package init(guesses: [Guess], targets: [Int], labelCount: Int) {
        var confusion = ConfusionCounts(labelCount: labelCount)
        for (guess, target) in zip(guesses, targets) { confusion.add(actual: target, predicted: guess.label) }
        count = targets.count
        loss = guesses.reduce(0) { $0 + $1.loss } / Double(targets.count)
        confusionCounts = confusion
        (pearson, spearman, undefinedCorrelation, pretraining) = (nil, nil, nil, nil)
    }

    /// Metrics of a classifier.
    /// - Parameters:
    ///   - logits: `[examples][labels]`.
    ///   - targets: the index of each example's label.
    package init(logits: [[Float]], targets: [Int], labelCount: Int) {
        self.init(
            guesses: zip(logits, targets).map { Guess(logits: $0[...], target: $1) }, targets: targets,
            labelCount: labelCount)
    }

    /// Metrics of a token classifier.
    /// - Parameters:
    ///   - guesses: `[sentences][words]`.
    ///   - targets: `[sentences][words]`, the index of each word's label.
    ///   - labels: names such as `O`, `B-PER`, `I-PER`.
    package init(guesses: [[Guess]], targets: [[Int32]], labels: [String]) {
        self.init(
            guesses: Array(guesses.joined()), targets: targets.joined().map(Int.init),
            labelCount: labels.count)
        var entities = EntityMetrics(EntityTags(labels))
        for (guesses, targets) in zip(guesses, targets) {
            entities.add(actual: targets.map(Int.init), predicted: guesses.map(\.label))
        }
        self.entities = entities
    }

    /// Metrics of a token classifier.
    /// - Parameter logits: `[sentences][words][labels]`.
    package init(logits: [[[Float]]], targets: [[Int32]], labels: [String]) {
        let guesses = zip(logits, targets).map { rows, targets in
            zip(rows, targets).map { Guess(logits: $0[...], target: Int($1)) }
        }
        self.init(guesses: guesses, targets: targets, labels: labels)
    }

    /// Metrics of pre-training.
    /// - Parameter count: sentence pairs.
    package init(_ metrics: PretrainingMetrics, count: Int) {
        self.count = count
        loss = metrics.maskedLMLoss + metrics.nextSentenceLoss
        (confusionCounts, pearson, spearman, undefinedCorrelation) = (nil, nil, nil, nil)
        pretraining = metrics
    }

    /// Metrics of a multi-label classifier.
    package init(_ metrics: MultiLabelMetrics) {
        (count, loss) = (metrics.count, metrics.loss)
        (confusionCounts, pearson, spearman, undefinedCorrelation, pretraining) = (nil, nil, nil, nil, nil)
        multiLabel = metrics
    }

    /// Metrics of a model that answers questions.
    /// - Parameter loss: mean over the windows of contexts.
    package init(_ answers: AnswerMetrics, loss: Double) {
        count = answers.all.count
        self.loss = loss
        (confusionCounts, pearson, spearman, undefinedCorrelation, pretraining) = (nil, nil, nil, nil, nil)
        self.answers = answers
    }

    /// Metrics of multiple choice.
    /// - Parameters:
    ///   - guesses: what the model says of each example.
    ///   - targets: the right choice of each.
    package init(choices guesses: [Guess], targets: [Int]) {
        count = targets.count
        loss = guesses.reduce(0) { $0 + $1.loss } / Double(targets.count)
        (confusionCounts, pearson, spearman, undefinedCorrelation, pretraining) = (nil, nil, nil, nil, nil)
        rightChoices = zip(guesses, targets).count { $0.label == $1 }
    }

    /// Metrics of vectors.
    /// - Parameters:
    ///   - cosines: how similar pairs are, where they have scores.
    ///   - scores: how similar they should be.
    package init(
        _ similarity: SimilarityMetrics, count: Int, loss: Double, cosines: [Float] = [], scores: [Float] = []
    ) {
        let pairs = scores.isEmpty ? nil : EvaluationMetrics(predictions: cosines, targets: scores)
        self.count = count
        self.loss = loss
        (confusionCounts, pretraining) = (nil, nil)
        (pearson, spearman) = (pairs?.pearson, pairs?.spearman)
        undefinedCorrelation = pairs?.undefinedCorrelation
        self.similarity = similarity
    }

    /// Metrics of a regression model.
    package init(predictions: [Float], targets: [Float]) {
        undefinedCorrelation = UndefinedCorrelation(predictions: predictions, targets: targets)
        let (predictions, targets) = (predictions.map(Double.init), targets.map(Double.init))
        count = targets.count
        loss = zip(predictions, targets).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(count)
        let isDefined = undefinedCorrelation == nil
        pearson = isDefined ? correlation(predictions, targets) : nil
        spearman = isDefined ? correlation(ranks(predictions), ranks(targets)) : nil
        (confusionCounts, pretraining) = (nil, nil)
    }

    /// The value of a metric; `nil` when the task does not have it, or it is not defined.
    public func value(_ metric: Metric) -> Double? {
        switch metric {
        case .loss: loss.isNaN ? nil : loss
        case .accuracy: multiLabel?.accuracy ?? similarity?.pairs?.accuracy ?? accuracy
        case .f1: similarity?.pairs?.f1 ?? f1
        case .macroF1: multiLabel?.macroF1 ?? macroF1
        case .microF1: multiLabel?.microF1
        case .sampleF1: multiLabel?.sampleF1
        case .matthews: matthews
        case .pearson: pearson
        case .spearman: spearman
        case .maskedLMLoss: pretraining?.maskedLMLoss
        case .maskedLMAccuracy: pretraining?.maskedLMAccuracy
        case .nextSentenceAccuracy: pretraining?.nextSentenceAccuracy
        case .precision: similarity?.pairs?.precision ?? entities?.precision
        case .recall: similarity?.pairs?.recall ?? entities?.recall
        case .averagePrecision: similarity?.pairs?.averagePrecision
        case .exactMatch: answers?.all.exactMatch
        case .answerableExactMatch: answers?.answerable?.exactMatch
        case .answerableF1: answers?.answerable?.f1
        case .unanswerableExactMatch: answers?.unanswerable?.exactMatch
        case .cosineAccuracy: similarity?.cosineAccuracy
        case .ndcgAt10: similarity?.retrieval?.ndcgAt10
        case .mrrAt10: similarity?.retrieval?.mrrAt10
        case .mapAt100: similarity?.retrieval?.mapAt100
        case .recallAt1: similarity?.retrieval?.recallAt1
        case .recallAt10: similarity?.retrieval?.recallAt10
        case .recallAt100: similarity?.retrieval?.recallAt100
        }
    }

    /// The value of a metric if it can be compared: where neither the data nor the model have entities, their F1 cannot.
    package func defined(_ metric: Metric) -> Double? {
        let isOfEntities = [.f1, .precision, .recall].contains(metric)
        if isOfEntities, let entities, entities.actualCount + entities.predictedCount == 0 { return nil }
        return value(metric).flatMap { $0.isNaN ? nil : $0 }
    }
}

/// What a classifier says of an example.
package struct Guess: Sendable {
    /// The index of the most probable label; the first of equal ones.
    package let label: Int
    /// Cross-entropy in nats.
    let loss: Double

    package init(logits: ArraySlice<Float>, target: Int) {
        (label, loss) = logits.withUnsafeBufferPointer { logits in
            var best = 0
            for index in logits.indices where logits[index] > logits[best] { best = index }
            let top = Double(logits[best])
            let sum = logits.reduce(0.0) { $0 + exp(Double($1) - top) }
            return (best, top + log(sum) - Double(logits[target]))
        }
    }
}
