import Encoders
import Foundation
import Pipelines
import Support

/// A teacher whose layers a fresh student starts as.
struct InitialLayers {
    private let checkpoint: EncoderCheckpoint
    private let layers: [Int]
    private let path: String

    /// What a configuration asks for; nil when nothing.
    init?(_ training: TrainingConfig, student: EncoderConfig) throws {
        let layers = training.distillation.initialLayers
        guard let path = training.distillation.teacher.map(training.resolve), !layers.isEmpty else {
            return nil
        }
        let files = try ModelDirectory(path)
        try training.check(layers, "initFromLayers", student, files.config)
        guard student.normPosition == files.config.normPosition else {
            let position = files.config.normPosition.rawValue
            throw training.error(
                "initFromLayers",
                "needs norms where the teacher has them; give the model.json \"norm_position\": \"\(position)\""
            )
        }
        (checkpoint, self.layers, self.path) = (try files.checkpoint(), layers, path)
    }

    /// The teacher's name of a parameter.
    private func name(of spec: ParameterSpec) -> String {
        guard let match = spec.name.wholeMatch(of: /encoder\.layer\.([0-9]+)\.(.+)/),
            let layer = Int(match.1),
            layers.indices.contains(layer)
        else { return spec.name }
        return "encoder.layer.\(layers[layer]).\(match.2)"
    }

    /// The parameters that the teacher has values of: all of the encoder, and of the head what it has.
    ///
    /// - Throws: `ModelError` where shapes differ or a part of the encoder is missing.
    func loaded(_ specs: [ParameterSpec]) throws -> Set<String> {
        let shapes = Dictionary(
            checkpoint.parameters.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
        var loaded: Set<String> = []
        for spec in specs {
            let shape = shapes[name(of: spec)]
            if shape == spec.shape {
                loaded.insert(spec.name)
            } else if spec.isEncoder || shape != nil {
                throw ModelError(
                    .invalidModel,
                    "has \(shape.map { "'\(name(of: spec))' of the shape \($0)" } ?? "no '\(name(of: spec))'"), but the model's is "
                        + "\(spec.shape): initFromLayers needs a model with the teacher's sizes", at: path)
            }
        }
        return loaded
    }

    func copyFloats(of spec: ParameterSpec, into values: UnsafeMutableBufferPointer<Float>) throws {
        try checkpoint.copyFloats(of: name(of: spec), into: values)
    }
}
