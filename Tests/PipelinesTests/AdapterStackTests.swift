import Foundation
import TestSupport
import Testing

@testable import Encoders
@testable import Pipelines
@testable import Text

/// Adapters that share a base and its batches, next to models with the same adapters in their weights.
@Suite struct AdapterStackTests {
    private static let base = Bundle.module.bundleURL
        .appendingPathComponent("Fixtures/sentence-transformers/small-0").path

    /// Writes an adapter of PEFT's layout for the fixture.
    private static func write(_ seed: Int, rank: Int, _ modules: [String], to scratch: TemporaryDirectory)
        throws -> String
    {
        var entries: [SafetensorsEntry] = []
        for module in modules {
            let inputs = module.hasSuffix("output.dense") && !module.contains("attention") ? 8 : 6
            let outputs = module.contains("intermediate") ? 8 : 6
            let name = "base_model.model.\(module)"
            entries.append(
                SafetensorsEntry(name: "\(name).lora_A.weight", dataType: .f32, shape: [rank, inputs]))
            entries.append(
                SafetensorsEntry(name: "\(name).lora_B.weight", dataType: .f32, shape: [outputs, rank]))
        }
        let directory = "adapter-\(seed)"
        let names = modules.map { "\"\($0)\"" }.joined(separator: ", ")
        try scratch.write(
            "\(directory)/adapter_config.json",
            #"{"peft_type": "LORA", "r": \#(rank), "lora_alpha": 7, "target_modules": [\#(names)]}"#)
        try SafetensorsWriter.write(
            entries, to: scratch.url("\(directory)/adapter_model.safetensors")
        ) { entry, sink in
            let count = entry.shape.reduce(1, *)
            let values = (0..<count).map {
                Float(sin(Double($0 * 37 + seed * 11 + entry.name.utf8.count))) / 2
            }
            try values.withUnsafeBytes { try sink($0) }
        }
        return scratch.path(directory)
    }

    private static func text(_ number: Int) -> String {
        (0...(number * 5 % 9)).map { "\(($0 &* 31 &+ number) % 37)" }.joined(separator: " ")
    }

    @Test func eachTextHasItsAdapterWhateverSharesItsBatch() async throws {
        let scratch = try TemporaryDirectory()
        let layers = (0..<2).map { "encoder.layer.\($0)" }
        let adapters = [
            try Self.write(
                1, rank: 2, layers.flatMap { ["\($0).attention.self.query", "\($0).attention.self.value"] },
                to: scratch),
            try Self.write(
                2, rank: 3,
                [
                    "\(layers[0]).attention.self.query", "\(layers[1]).intermediate.dense",
                    "\(layers[1]).output.dense",
                ], to: scratch),
        ]
        let engine = try InferenceEngine()
        let models = try await engine.load(Self.base, adapters: adapters)
        let texts = (0..<12).map(Self.text)
        var alone: [[[Float]]] = []
        for (index, model) in models.enumerated() {
            let rows = try await texts.asyncMap { try await model.embed([$0])[0] }
            alone.append(rows)
            var options = EncoderPipeline.Options()
            options.adapter = index == 0 ? nil : adapters[index - 1]
            let merged = try EncoderPipeline(contentsOf: Self.base, options: options)
            let expected = try merged.embed(texts.map { TextPair($0) })
            for (row, other) in zip(rows, expected) {
                #expect(zip(row, other).allSatisfy { abs($0 - $1) < 2e-5 })
            }
        }
        #expect(zip(alone[1], alone[2]).allSatisfy { zip($0, $1).contains { abs($0 - $1) > 1e-3 } })
        try await withThrowingTaskGroup(of: (Int, Int, [Float]).self) { group in
            for number in texts.indices {
                for (index, model) in models.enumerated() {
                    group.addTask { (index, number, try await model.embed([texts[number]])[0]) }
                }
            }
            for try await (index, number, row) in group { #expect(row == alone[index][number]) }
        }
    }

    @Test func adaptersThatChangeMoreAreRefused() async throws {
        let scratch = try TemporaryDirectory()
        let strange = try Self.write(1, rank: 2, ["encoder.layer.9.attention.self.query"], to: scratch)
        let engine = try InferenceEngine()
        await #expect(throws: ConfigError.self) { try await engine.load(Self.base, adapters: [strange]) }
        await #expect(throws: ModelError.self) {
            try await engine.load(Self.base, adapters: [scratch.path("none")])
        }
    }
}

extension Sequence {
    fileprivate func asyncMap<Result>(_ body: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await body(element)) }
        return results
    }
}
