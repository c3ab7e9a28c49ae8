import Encoders
import Foundation
import GraphCompiler
import Testing
import Text
import Training

/// Fifty steps of AdamW next to PyTorch's (fixtures by `Tests/EncodersTests/Fixtures/make_parity.py`): dropout off,
/// weight decay 0.01, clipping at 1, five warm-up steps, linear decay.
@Suite struct ParityTests {
    /// Relative. PyTorch's own losses in single precision differ from those in double by 6e-7; leaving weight decay out
    /// changes the tiny model's by 7e-5.
    private static let tolerance = 1e-5

    /// The largest relative difference of a loss from PyTorch's in double precision.
    static func largestDifference(
        curve name: String, model directory: URL, labels: Int, batchSize: Int, rate: Double,
        adapter: AdapterCheckpoint? = nil
    ) throws -> Double {
        let file = try SafetensorsFile(Repository.fixtures.appendingPathComponent("\(name).safetensors"))
        let checkpoint = try EncoderCheckpoint(directory: directory, adapter: adapter)
        var config = checkpoint.config
        (config.hiddenDropout, config.attentionDropout, config.classifierDropout) = (0, 0, 0)
        let graphs = try ModelGraphs(
            config: config, head: .classification(labels: labels), adapter: adapter?.lora)
        let trained = Set(graphs.savedSpecs.map(\.name))
        let treatments = graphs.specs.map {
            ($0.name, ParameterTreatment(decays: $0.decays, isFrozen: !trained.contains($0.name)))
        }
        let model = try TrainableModel(
            graphs,
            TrainingOptions(
                OptimizerOptions(
                    maxGradientNorm: 1, treatments: Dictionary(uniqueKeysWithValues: treatments))),
            compiler: Compiler())
        for spec in model.specs {
            let values =
                file.entry(named: spec.name) != nil
                ? try file.floats(named: spec.name) : try checkpoint.floats(of: spec.name)
            try model.parameters.set(spec.name, TensorData(values, shape: spec.shape))
        }
        let targets = try file.integers(named: "labels").map(Int32.init)
        let losses =
            try adapter.map {
                try SafetensorsFile($0.directory.appendingPathComponent("expected.safetensors"))
            }
            ?? file
        let expected = try losses.withBytes(named: "losses_f64") { bytes in
            (0..<50).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self) }
        }
        let batcher = try Batcher(
            encodings(file), options: BatchingOptions(mode: .packed, batchSize: batchSize, maxLength: 512))
        let schedule = LearningRateSchedule(shape: .linear, peak: rate, warmupSteps: 5, steps: 50)
        var worst = 0.0
        for (step, loss) in expected.enumerated() {
            let indices = Array((step * batchSize)..<((step + 1) * batchSize))
            let result = try model.training.step(
                [StepInputs(batcher.layOut(indices), targets: TensorData(indices.map { targets[$0] }))],
                rate: schedule.rate(at: step))
            worst = max(worst, abs(result.loss - loss) / loss)
        }
        return worst
    }

    /// PEFT's adapter of `Fixtures/make_adapters.py`, the base frozen.
    @Test func adapterFollowsPEFT() throws {
        let adapter = try AdapterCheckpoint(
            directory: Repository.fixtures.appendingPathComponent("adapters/curve"),
            base: EncoderConfig(contentsOf: Repository.fixtures.appendingPathComponent("tiny")),
            isMerged: false)
        let worst = try Self.largestDifference(
            curve: "tiny_curve", model: Repository.fixtures.appendingPathComponent("tiny"), labels: 3,
            batchSize: 8, rate: 1e-3, adapter: adapter)
        print("adapter: largest relative difference of 50 losses \(worst)")
        #expect(worst < Self.tolerance)
    }

    private static func encodings(_ file: SafetensorsFile) throws -> [Encoding] {
        let ids = try file.integers(named: "ids").map(Int32.init)
        let types =
            file.entry(named: "types") != nil
            ? try file.integers(named: "types").map(Int32.init) : [Int32](repeating: 0, count: ids.count)
        var start = 0
        return try file.integers(named: "lengths").map { length in
            defer { start += length }
            return Encoding(
                ids: Array(ids[start..<(start + length)]), typeIDs: Array(types[start..<(start + length)]))
        }
    }

    @Test func tinyModelFollowsPyTorch() throws {
        let worst = try Self.largestDifference(
            curve: "tiny_curve", model: Repository.fixtures.appendingPathComponent("tiny"), labels: 3,
            batchSize: 8,
            rate: 1e-3)
        print("tiny: largest relative difference of 50 losses \(worst)")
        #expect(worst < Self.tolerance)
    }

    @Test(.enabled(if: Repository.miniLM != nil))
    func miniLMFollowsPyTorch() throws {
        let worst = try Self.largestDifference(
            curve: "minilm_curve", model: #require(Repository.miniLM), labels: 2, batchSize: 16, rate: 5e-5)
        print("MiniLM: largest relative difference of 50 losses \(worst)")
        #expect(worst < Self.tolerance)
    }
}
