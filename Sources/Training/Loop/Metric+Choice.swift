import Pipelines
import Text

extension TrainingTask {
    /// What decides which evaluation is the best, unless the configuration says otherwise.
    package var metric: Metric {
        switch self {
        case .classification, .multipleChoice: .accuracy
        case .multiLabelClassification: .microF1
        case .tokenClassification, .questionAnswering: .f1
        case .regression, .pretrain, .embedding, .reranking: .loss
        case .glue(let task): task.metrics[0]
        }
    }
}

extension GlueTask {
    /// The metrics that GLUE's leaderboard has of the task. The first one is BERT's and SparseBERT's, and chooses the
    /// best epoch.
    package var metrics: [Metric] {
        switch self {
        case .cola: [.matthews]
        case .mrpc, .qqp: [.f1, .accuracy]
        case .stsb: [.spearman, .pearson]
        case .sst2, .mnli, .qnli, .rte, .wnli: [.accuracy]
        }
    }
}
