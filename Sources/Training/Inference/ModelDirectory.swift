import BERT
import Foundation

/// Where the parts of a saved model are: found from the model's directory, or from its configuration file.
struct ModelDirectory {
    let directory: URL
    let config: BertConfig

    init(_ path: String) throws {
        let expected = "a model directory, or its config.json or model.json"
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw PipelineError(.missingFile, "no such model; expected \(expected)", at: path)
        }
        let url = URL(fileURLWithPath: path, isDirectory: isDirectory.boolValue)
        let hasConfig = ["model.json", "config.json"].contains {
            FileManager.default.fileExists(atPath: url.appendingPathComponent($0).path)
        }
        guard !isDirectory.boolValue || hasConfig else {
            throw PipelineError(
                .missingFile, "holds no config.json and no model.json; expected \(expected)", at: path)
        }
        directory = isDirectory.boolValue ? url : url.deletingLastPathComponent()
        config = try BertConfig(contentsOf: url)
    }
}

extension BertHead {
    /// The head of a checkpoint: what its class says, else what its tensors show.
    init(of config: BertConfig, checkpoint: BertCheckpoint) throws {
        let names = Set(checkpoint.parameters.map(\.name))
        let byTensors: BertArchitecture =
            names.contains("classifier.weight")
            ? names.contains("pooler.dense.weight") ? .sequenceClassification : .tokenClassification
            : !names.contains("cls.predictions.bias")
                ? .encoder
                : names.contains("cls.seq_relationship.weight") ? .pretraining : .maskedLanguageModel
        switch config.architecture ?? byTensors {
        case .encoder: self = .encoder
        case .maskedLanguageModel: self = .maskedLM
        case .pretraining: self = .pretraining
        case .tokenClassification: self = .tokenClassification(labels: config.labelCount)
        case .sequenceClassification:
            switch config.problemType {
            case .multiLabel:
                throw PipelineError(
                    .wrongTask, "is a multi-label classifier; expected one label a text, or regression",
                    at: checkpoint.directory.path)
            case .regression: self = .regression
            case .singleLabel: self = .classification(labels: config.labelCount)
            case nil: self = config.labelCount == 1 ? .regression : .classification(labels: config.labelCount)
            }
        }
    }
}
