import Encoders
import Foundation
import GraphCompiler
import Training

/// What is the same for all sides of all rows.
struct BenchPlan {
    let files: BenchFiles
    /// Sequences of `Technique.paddedLength` tokens in a batch; of longer ones as many as have as many tokens.
    let batch: Int
    /// Timed turns of each side, after one that nobody times.
    let repeats: Int
    let threads: Int?
    /// The highest instruction set to use.
    let cpu: String?
    let matmul: CompilerOptions.MatmulLowering
    let usesCache: Bool

    /// Steps of a turn where all sequences are equally long.
    static let steps = 2

    /// What a side of a row has to do.
    func side(_ technique: Technique, _ change: Technique.Change) throws -> BenchSide {
        var setting = BenchSetting(config: TrainingConfig())
        setting.config.model.path = files.model
        setting.config.data.header = .absent
        setting.config.data.validationFile = ""
        setting.config.data.testFile = ""
        setting.config.output.directory = files.newOutput()
        setting.config.output.csvLog = false
        setting.config.output.saveEvery = 0
        setting.config.optimizer.epochs = repeats + 1
        setting.config.optimizer.schedule = .constant
        setting.config.machine.threads = threads
        setting.config.machine.cpu = cpu
        setting.config.machine.matmul = matmul
        switch technique.work {
        case .training(let sequences):
            let length = sequences.length(in: files.config)
            setting.config.data.maxLength = length
            setting.config.batches.size = batchSize(length)
            setting.config.data.trainFile = try files.data(sequences, count: Self.steps * batchSize(length))
        case .attention(let length):
            setting.config.data.maxLength = length
            setting.config.batches.size = batchSize(length)
        }
        technique.both(&setting, files.config)
        change(&setting, files.config)
        if setting.startsFresh {
            setting.config.model.path = files.freshModel
            setting.config.model.tokenizer = files.tokenizer
        }
        try setting.config.validate()
        let work: BenchSide.Work =
            switch technique.work {
            case .training: .training
            case .attention: .attention
            }
        return BenchSide(
            work: work, fields: setting.config.json, disabledPasses: setting.disabledPasses.sorted(),
            usesCache: usesCache)
    }

    private func batchSize(_ length: Int) -> Int {
        max(1, batch * Technique.paddedLength / max(length, Technique.paddedLength))
    }
}

extension BenchSequences {
    /// Tokens of a sequence at most.
    fileprivate func length(in config: EncoderConfig) -> Int {
        switch self {
        case .sentences: min(Technique.paddedLength, config.positionCount)
        case .filled(let length): min(length, config.positionCount)
        }
    }
}
