import Encoders
import Foundation
import GraphCompiler
import Pipelines
import Support
import TestSupport
import Testing
import Text

/// `bertc quantize`: what is saved is what is multiplied, wherever it is read.
@Suite struct QuantizeTests {
    /// A model wide enough for i8.
    private func writeModel(to scratch: TemporaryDirectory) throws {
        var config = TinyModel.config()
        (config.hiddenSize, config.feedForwardSize) = (64, 96)
        let parameters = try EncoderGraph(config: config, head: .encoder, isTraining: false).build()
            .parameters
        var random = SplitMix64(seed: 7)
        try EncoderCheckpoint.save(
            to: scratch.url("model"), config: config, architecture: .encoder, parameters: parameters,
            values: Dictionary(
                uniqueKeysWithValues: parameters.map { spec in
                    (spec.name, (0..<spec.count).map { _ in Float.random(in: -0.3...0.3, using: &random) })
                }))
        try scratch.write("model/vocab.txt", TinyModel.tokens.joined(separator: "\n") + "\n")
    }

    private let texts = ["a fine film .", "it is not the plot .", "bad", "the very fine plot is bad ."]

    private func vectors(
        _ path: String, _ options: CompilerOptions, _ texts: [String]? = nil
    ) throws -> [[Float]] {
        let pipeline = try EncoderPipeline(contentsOf: path, compiler: Compiler(options))
        return try pipeline.embed((texts ?? self.texts).map { TextPair($0) })
    }

    private func cosine(_ a: [Float], _ b: [Float]) -> Float {
        func dot(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).map { $0 * $1 }.reduce(0, +) }
        return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
    }

    @Test func directoriesGiveOneResultAlone() throws {
        let scratch = try TemporaryDirectory()
        try writeModel(to: scratch)
        try scratch.write("texts.txt", texts.joined(separator: "\n") + "\n")
        let (model, quantized) = (scratch.path("model"), scratch.path("int8"))
        let run = try Tool.run([
            "quantize", model, "--data", scratch.path("texts.txt"), "--output", quantized, "--keep",
            "*layer.1.output*", "--json",
        ])
        #expect(run.status == 0, "\(run.error)")
        #expect(run.output.split(separator: "\n").count(where: { $0.contains("\"int8\"") }) == 11)
        #expect(run.output.contains(#""encoder.layer.1.output.dense.weight","#))
        let exact = try vectors(model, CompilerOptions(threads: 1, cache: .off))
        let int8 = CompilerOptions(threads: 2, precision: .int8, cache: .off)
        let first = try vectors(quantized, int8)
        for (a, b) in zip(exact, first) { #expect(cosine(a, b) > 0.999) }
        #expect(exact != first)
        // Alone, and in f32 with widened weights.
        for (index, text) in texts.enumerated() {
            #expect(try vectors(quantized, int8, [text])[0] == first[index])
        }
        let widened = try vectors(quantized, CompilerOptions(threads: 1, cache: .off))
        for (a, b) in zip(exact, widened) { #expect(cosine(a, b) > 0.9995) }
        // A weight that the compiler is told to leave alone is widened too.
        var partly = int8
        partly.unquantized = ["*attention*"]
        for (a, b) in zip(exact, try vectors(quantized, partly)) { #expect(cosine(a, b) > 0.999) }
        // Quantised when loaded.
        for (a, b) in zip(exact, try vectors(model, int8)) { #expect(cosine(a, b) > 0.998) }
    }

    @Test func badDirectoriesAreRefused() throws {
        let scratch = try TemporaryDirectory()
        try writeModel(to: scratch)
        let (model, quantized) = (scratch.path("model"), scratch.path("int8"))
        #expect(try Tool.run(["quantize", model, "--output", model]).error.contains("holds the model"))
        let unknown = try Tool.run(["quantize", model, "--output", quantized, "--keep", "nothing*"])
        #expect(unknown.error.contains("no weight of a product is called 'nothing*'"))
        #expect(try Tool.run(["quantize", model, "--output", quantized]).status == 0)
        let again = try Tool.run(["quantize", quantized, "--output", scratch.path("again")])
        #expect(again.error.contains("is quantised already"))
        // Without its scales.
        let weights = URL(filePath: quantized).appending(path: "model.safetensors")
        var bytes = try Data(contentsOf: weights)
        let range = try #require(bytes.range(of: Data("query.weight.int8_scale".utf8)))
        bytes.replaceSubrange(range, with: Data("query.weight.int8_scalX".utf8))
        try bytes.write(to: weights)
        let broken = try Tool.run(["embed", quantized, "--text", "a film"])
        #expect(broken.status == 65 && broken.error.contains("has no scales"), "\(broken.error)")
        // A scale of 0.
        #expect(try Tool.run(["quantize", model, "--output", quantized]).status == 0)
        let file = try SafetensorsFile(weights)
        let name = "encoder.layer.0.attention.self.query.weight.int8_scale"
        let scales = try file.floats(named: name)
        bytes = try Data(contentsOf: weights)
        let place = try #require(bytes.range(of: scales.withUnsafeBytes { Data($0) }))
        bytes.replaceSubrange(place.lowerBound..<place.lowerBound + 4, with: Data(count: 4))
        try bytes.write(to: weights)
        let zero = try Tool.run(["embed", quantized, "--text", "a film"])
        #expect(zero.status == 65 && zero.error.contains("holds 0.0"), "\(zero.error)")
        let training = try Tool.run(["train", "Examples/small/train.json", "--precision", "int8"])
        #expect(training.error.contains("is for inference"), "\(training.error)")
    }
}
