import Encoders
import GraphCompiler
import Measuring
import Support
import Text
import Training

/// BERT with two labels on a batch of full random sequences: training steps, or logits without dropout.
final class ModelSubject: Subject {
    private let run: () throws -> Void

    /// Compiles the model, gives it fresh parameters and runs it twice.
    ///
    /// - Parameter warmup: runs that nobody times.
    init(_ work: ModelWork, _ config: EncoderConfig, threads: Int, warmup: Int = 2) throws {
        let compiler = try Compiler(CompilerOptions(threads: threads, precision: work.precision))
        let bert = try EncoderGraph(
            config: config, head: .classification(labels: ModelWork.labels), isTraining: work.isTraining
        ).build()
        let store = ParameterStore()
        let inputs = Self.inputs(work, config)
        let symbols = ["length": work.length]
        if work.isTraining {
            let training = try TrainingProgram(
                bert.graph, TrainingOptions(seed: 1), compiler: compiler, store: store)
            run = { _ = try training.step(inputs, symbols: symbols, rate: 1e-5) }
        } else {
            let model = try CompiledGraph(bert.graph, compiler: compiler, parameters: store)
            run = { _ = try model(inputs, symbols: symbols) }
        }
        let initializer = ParameterInitializer(seed: 1, config: config)
        for spec in bert.parameters {
            store.set(spec.name) { _ = $0.update(fromContentsOf: initializer.values(for: spec)) }
        }
        for _ in 0..<warmup { try run() }
    }

    func seconds(repeating count: Int) throws -> Double { try time(count, run) }

    private static func inputs(_ work: ModelWork, _ config: EncoderConfig) -> [String: TensorData] {
        var random = SplitMix64(seed: 1)
        let ids = (0..<work.tokens).map { _ in
            Int32.random(in: 0..<Int32(config.vocabularySize), using: &random)
        }
        var inputs = [
            "input_ids": TensorData(ids),
            "position_ids": TensorData((0..<work.tokens).map { Int32($0 % work.length) }),
            "offsets": TensorData((0...work.batch).map { Int32($0 * work.length) }),
            "lengths": TensorData([Int32](repeating: Int32(work.length), count: work.batch)),
        ]
        if config.hasTokenTypes {
            inputs["token_type_ids"] = TensorData([Int32](repeating: 0, count: work.tokens))
        }
        if work.isTraining {
            inputs["labels"] = TensorData((0..<work.batch).map { Int32($0 % ModelWork.labels) })
        }
        return inputs
    }
}
