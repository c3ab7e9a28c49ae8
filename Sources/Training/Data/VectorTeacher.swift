import GraphCompiler
import Pipelines
import Support

/// A saved model whose vectors are learned from.
struct VectorTeacher {
    private let pipeline: EncoderPipeline

    /// - Parameter width: what vectors must have; any when `nil`.
    init(_ path: String, _ training: TrainingConfig, width: Int?) throws {
        pipeline = try EncoderPipeline(
            contentsOf: path,
            compiler: Compiler(
                CompilerOptions(
                    instructionSet: training.machine.cpu, threads: training.machine.threads,
                    matmul: training.machine.matmul)))
        let own = try pipeline.vectorWidth()
        guard width == nil || own == width else {
            throw training.error(
                "teacher",
                "makes vectors of \(own) elements, but those that are trained have \(width ?? 0); choose a teacher or a "
                    + "model with as many")
        }
    }

    /// The vectors of texts, equal ones computed once.
    func vectors(of texts: [String]) throws -> [[Float]] {
        var places: [TextKey: Int] = [:]
        var different: [TextPair] = []
        let indices = texts.map { text in
            if let place = places[TextKey(text)] { return place }
            places[TextKey(text)] = different.count
            different.append(TextPair(text))
            return different.count - 1
        }
        let vectors = try pipeline.embed(different)
        return indices.map { vectors[$0] }
    }

    /// How much nearer than each negative the positive is to the anchor, by dot products.
    func margins(_ vectors: [[Float]], texts: Int) -> [[Float]] {
        stride(from: 0, to: vectors.count, by: texts).map { start in
            func score(_ text: Int) -> Double {
                zip(vectors[start], vectors[start + text]).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            }
            return (2..<texts).map { Float(score(1) - score($0)) }
        }
    }
}
