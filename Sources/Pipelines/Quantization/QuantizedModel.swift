import Encoders
import Foundation
import GraphCompiler
import Support
import Text

/// A model whose weights are quantised to i8, with smoothing factors from what its activations are on some texts.
public final class QuantizedModel {
    /// What was done with a weight that products read.
    public struct Weight: Sendable {
        /// The parameter's name.
        public let name: String
        /// Extents, `[outputs, inputs]`.
        public let shape: [Int]
        /// Whether it stays f32.
        public let isKept: Bool
        /// How far the product of its quantised numbers is from that of f32, for the calibration's activations: the root of the
        /// mean square of the error over that of the product.
        public let error: Double

        /// As `quantization.json` has it.
        package var json: JSONValue {
            .object([
                "weight": .string(name), "shape": .array(shape.map(JSONValue.integer)),
                "precision": .string(isKept ? "fp32" : "int8"), "error": isKept ? .null : .double(error),
            ])
        }
    }

    /// How a model is quantised.
    public struct Options: Sendable {
        /// Names of weights that stay f32; `*`, `?` and `[...]` as in a shell.
        public var kept: [String] = []
        /// How much of the differences between columns goes from the activations into the weights, from 0 to 1 (SmoothQuant's α);
        /// 0.6 with texts and 0.5 without when `nil`.
        public var smoothing: Double?
        /// Texts from which the activations are known; random tokens of the vocabulary when empty.
        public var texts: [String] = []

        /// All weights, by random tokens.
        public init() {}
    }

    private let pipeline: EncoderPipeline
    private let files: ModelDirectory
    private let path: String
    private let values: [QuantizedValues]
    /// All weights that products read, in the order of the graph.
    public let weights: [Weight]

    /// Tokens of the calibration at most.
    private static let calibrationTokens = 4096

    /// Quantises the weights of a model.
    ///
    /// - Parameters:
    ///   - path: a model directory.
    ///   - compiler: of precision fp32.
    /// - Throws: one-line errors that name the file; `ModelError` for a model that has nothing to quantise.
    public init(_ path: String, options: Options = Options(), compiler: Compiler) throws {
        self.path = path
        files = try ModelDirectory(path)
        guard !files.config.isQuantized else {
            throw ModelError(
                .invalidModel, "is quantised already; give the model that it was made from", at: path)
        }
        pipeline = try EncoderPipeline(contentsOf: path, compiler: compiler)
        let calibration = try Calibration(
            pipeline, encodings: Self.encodings(options.texts, pipeline, tokens: Self.calibrationTokens))
        let kept = options.kept.map(Glob.init)
        for pattern in options.kept {
            guard calibration.groups.flatMap(\.weights).contains(where: { Glob(pattern).matches($0.name) })
            else {
                throw ModelError(.invalidInput, "no weight of a product is called '\(pattern)'", at: path)
            }
        }
        let alpha = Float(options.smoothing ?? (options.texts.isEmpty ? 0.5 : 0.6))
        var (weights, values): ([Weight], [QuantizedValues]) = ([], [])
        for group in calibration.groups {
            let quantized = group.weights.filter { weight in !kept.contains { $0.matches(weight.name) } }
            let factors = group.factors(for: quantized, alpha: alpha)
            for weight in group.weights {
                let isKept = !quantized.contains { $0.name == weight.name }
                let own = QuantizedValues(weight, smoothing: factors)
                weights.append(
                    Weight(
                        name: weight.name, shape: own.shape, isKept: isKept,
                        error: isKept ? 0 : own.error(of: weight.values, on: group.rows)))
                if !isKept { values.append(own) }
            }
        }
        guard !values.isEmpty else {
            throw ModelError(.invalidModel, "has no weights to quantise", at: path)
        }
        (self.weights, self.values) = (weights, values)
    }

    /// Sequences to calibrate with, of at most `tokens` tokens together.
    private static func encodings(
        _ texts: [String], _ pipeline: EncoderPipeline, tokens: Int
    ) throws -> [Encoding] {
        guard texts.isEmpty else {
            var (encodings, count): ([Encoding], Int) = ([], 0)
            for (index, text) in texts.enumerated() {
                let encoding = try pipeline.encode([TextPair(text)]) { _ in "text \(index + 1)" }[0]
                guard count + encoding.count <= tokens || encodings.isEmpty else { break }
                encodings.append(encoding)
                count += encoding.count
            }
            return encodings
        }
        var random = SplitMix64(seed: 0)
        let length = min(64, pipeline.maxLength)
        return (0..<tokens / 8 / length).map { _ in
            let ids = (0..<length).map { _ in
                Int32.random(in: 0..<Int32(pipeline.config.vocabularySize), using: &random)
            }
            return Encoding(ids: ids, typeIDs: ids.map { _ in 0 })
        }
    }

    /// Writes the model: weights as i8 with their scales, all else as it is.
    ///
    /// - Throws: what writing throws; `ModelError` for the model's own directory.
    public func save(to directory: String) throws {
        let url = URL(file: directory, isDirectory: true).standardizedFileURL
        // Also where a link leads there.
        guard files.directory.resolvingSymlinksInPath().path != url.resolvingSymlinksInPath().path else {
            throw ModelError(.unwritable, "holds the model; choose another directory", at: directory)
        }
        let checkpoint = try files.checkpoint()
        let names = Set(values.map { TextKey($0.name) })
        try EncoderCheckpoint.save(
            to: url, config: files.config,
            architecture: files.config.architecture ?? pipeline.head.architecture,
            parameters: checkpoint.weights.filter { !names.contains(TextKey($0.name)) }, quantized: values
        ) { spec, sink in
            try checkpoint.floats(of: spec.name).withUnsafeBufferPointer { try sink($0) }
        }
        try files.saveCompanions(to: url)
        try AtomicFile.write(
            Data(JSONValue.array(weights.map(\.json)).text(.indented).utf8),
            to: url.appendingPathComponent("quantization.json"))
    }
}
