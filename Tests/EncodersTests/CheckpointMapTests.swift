import Foundation
import GraphCompiler
import TestSupport
import Testing

@testable import Encoders

/// Tensors that hold several parameters, and parameters in several tensors, both ways.
@Suite struct CheckpointMapTests {
    /// As ModernBERT's `Wqkv`, and as a model with its gate and its matrix apart would be.
    static let map = CheckpointMap(
        prefix: "model", encoder: ["layers"],
        rules: [
            .split(
                ["query", "key", "value"].map { "encoder.layer.*.attention.self.\($0)" },
                of: "layers.*.attn.Wqkv"),
            .join("encoder.layer.*.intermediate.dense", of: ["layers.*.gate", "layers.*.up"]),
            .rename("encoder.layer.*.output.dense", "layers.*.down"),
        ])

    @Test func namesGoBothWays() {
        let key = "encoder.layer.3.attention.self.key.weight"
        let stored = CheckpointMap.Place(
            name: "model.layers.3.attn.Wqkv.weight", slice: .init(index: 1, count: 3))
        #expect(Self.map.stored(key, in: .maskedLanguageModel) == [stored])
        let parts = Self.map.canonical("model.layers.3.attn.Wqkv.weight")
        #expect(parts.map(\.name).contains(key) && parts[1].source == .init(index: 1, count: 3))
        #expect(Self.map.canonical("layers.x.down.bias").map(\.name) == ["layers.x.down.bias"])
        #expect(
            Self.map.canonical("layers.0.up.bias") == [
                .init(name: "encoder.layer.0.intermediate.dense.bias", slice: .init(index: 1, count: 2))
            ])
    }

    @Test func valuesAreReadInParts() throws {
        let directory = try TemporaryDirectory()
        let tensors: [(name: String, shape: [Int], first: Float)] = [
            ("layers.0.attn.Wqkv.weight", [6, 2], 0), ("layers.0.gate.weight", [2, 3], 100),
            ("layers.0.up.weight", [2, 3], 200), ("layers.0.down.weight", [1, 2], 300),
        ]
        let entries = tensors.map { SafetensorsEntry(name: $0.name, dataType: .f32, shape: $0.shape) }
        try SafetensorsWriter.write(entries, to: directory.url("model.safetensors")) { entry, sink in
            let first = tensors.first { $0.name == entry.name }?.first ?? 0
            try (0..<entry.count).map { first + Float($0) }.withUnsafeBytes { try sink($0) }
        }
        let checkpoint = try EncoderCheckpoint(
            directory: directory.url, config: EncoderConfig(), map: Self.map)
        let specs: [ParameterSpec] = [
            .init("encoder.layer.0.attention.self.query.weight", [2, 2]),
            .init("encoder.layer.0.attention.self.key.weight", [2, 2]),
            .init("encoder.layer.0.attention.self.value.weight", [2, 2]),
            .init("encoder.layer.0.intermediate.dense.weight", [4, 3]),
            .init("encoder.layer.0.output.dense.weight", [1, 2]),
        ]
        let (values, report) = try checkpoint.load(specs)
        #expect(report.missing.isEmpty && report.unexpected.isEmpty)
        #expect(values[specs[1].name] == [4, 5, 6, 7])
        #expect(values[specs[3].name] == [100, 101, 102, 103, 104, 105, 200, 201, 202, 203, 204, 205])

        // What is written from the parts, in two pieces each, is what was read.
        let saved = SavedTensor.list(specs) { Self.map.stored($0, in: .encoder) }
        #expect(saved.map(\.name) == entries.map(\.name) && saved.map(\.shape) == entries.map(\.shape))
        for (tensor, own) in zip(saved, tensors) {
            var written: [Float] = []
            try tensor.write(
                provide: { spec, sink in
                    let all = values[spec.name] ?? []
                    for part in [all.prefix(1), all.dropFirst(1)] {
                        try Array(part).withUnsafeBufferPointer { try sink($0) }
                    }
                }, to: { written += $0.bindMemory(to: Float.self) })
            #expect(written == (0..<written.count).map { own.first + Float($0) }, "\(tensor.name)")
            #expect(written.count == tensor.shape.reduce(1, *))
        }
    }

    /// NeoBERT's `qkv`: for each head its queries, keys and values; pairs of queries and keys side by side. And GTE's `up_gate_proj`.
    @Test func rowsLieInOrdersOfTheirOwn() throws {
        let turned = CheckpointMap.RowOrder(heads: 2, isInterleaved: true)
        let names = ["query", "key", "value"].map { "encoder.layer.*.attention.self.\($0)" }
        let map = CheckpointMap(
            prefix: "model", encoder: ["layers"],
            rules: [
                .split(names, of: "layers.*.qkv", rows: [turned, turned, .init(heads: 2)]),
                .reorder("encoder.layer.*.intermediate.dense", "layers.*.up_gate", [1, 0]),
            ])
        let directory = try TemporaryDirectory()
        let entries = [("layers.0.qkv.weight", [24, 1]), ("layers.0.up_gate.weight", [4, 2])].map {
            SafetensorsEntry(name: $0, dataType: .f32, shape: $1)
        }
        try SafetensorsWriter.write(entries, to: directory.url("model.safetensors")) { entry, sink in
            try (0..<entry.count).map(Float.init).withUnsafeBytes { try sink($0) }
        }
        let specs =
            names.map { ParameterSpec($0.replacing("*", with: "0") + ".weight", [8, 1]) } + [
                ParameterSpec("encoder.layer.0.intermediate.dense.weight", [4, 2])
            ]
        let checkpoint = try EncoderCheckpoint(directory: directory.url, config: EncoderConfig(), map: map)
        let values = try checkpoint.load(specs).values
        #expect(values[specs[0].name] == [0, 2, 1, 3, 12, 14, 13, 15])
        #expect(values[specs[1].name] == [4, 6, 5, 7, 16, 18, 17, 19])
        #expect(values[specs[2].name] == [8, 9, 10, 11, 20, 21, 22, 23])
        #expect(values[specs[3].name] == [4, 5, 6, 7, 0, 1, 2, 3])
        for tensor in SavedTensor.list(specs, places: { map.stored($0, in: .encoder) }) {
            var written: [Float] = []
            try tensor.write(
                provide: { spec, sink in
                    try (values[spec.name] ?? []).withUnsafeBufferPointer { try sink($0) }
                }, to: { written += $0.bindMemory(to: Float.self) })
            #expect(written == (0..<written.count).map(Float.init), "\(tensor.name)")
            #expect(written.count == tensor.shape.reduce(1, *))
        }
    }

    @Test func aMissingPartIsReported() throws {
        let directory = try TemporaryDirectory()
        let entry = SafetensorsEntry(name: "layers.0.up.weight", dataType: .f32, shape: [1])
        try SafetensorsWriter.write([entry], to: directory.url("model.safetensors")) {
            try [Float(1)].withUnsafeBytes($1)
        }
        let checkpoint = try EncoderCheckpoint(
            directory: directory.url, config: EncoderConfig(), map: Self.map)
        let spec = ParameterSpec("encoder.layer.0.intermediate.dense.weight", [2])
        let report = try checkpoint.report(for: [spec])
        #expect(report.missing == [spec] && report.unexpected == ["layers.0.up.weight"])
    }
}
