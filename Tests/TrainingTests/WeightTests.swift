import Encoders
import Foundation
import TestSupport
import Testing
import Training

/// Rates by layer, and averages of weights.
@Suite struct WeightTests {
    /// BEiT's scales for 12 layers: head 1, top layer d, embeddings d^13.
    @Test(
        arguments: [
            (.classifier, 0), (.head, 0), (.encoder, 0), (.layer(11), 1), (.layer(0), 12), (.embeddings, 13),
        ] as [(ParameterSpec.Part, Int)])
    func layersHaveRates(_ part: ParameterSpec.Part, _ power: Int) {
        let scale = ParameterSpec("w", [1], part: part).learningRateScale(decay: 0.75, layers: 12)
        #expect(abs(scale - pow(0.75, Double(power))) < 1e-12)
    }

    /// The first step of AdamW is as long as the rate, so that it shows the rate of each parameter.
    @Test func stepsAreAsLongAsTheRates() throws {
        let output = try TemporaryDirectory()
        var config = smallConfig(output, steps: 1)
        config.optimizer.layerwiseLearningRateDecay = 0.5
        config.optimizer.weightDecay = 0
        config.optimizer.schedule = .constant
        config.optimizer.epsilon = 1e-12
        config.output.saveEvery = 1
        _ = try trainModel(config)
        var still = config
        (still.optimizer.learningRate, still.output.directory) = (0, "still")
        _ = try trainModel(still)
        let (new, old) = (
            try tensors(output.path + "/run/checkpoints/step-1/model.safetensors"),
            try tensors(output.path + "/still/checkpoints/step-1/model.safetensors")
        )
        for (name, layers) in [
            ("classifier.weight", 0), ("encoder.layer.1.output.dense.weight", 1),
            ("encoder.layer.0.output.dense.weight", 2),
        ] {
            let steps = zip(try #require(new[name]), try #require(old[name])).map { abs($0 - $1) }.sorted()
            let rate = 1e-3 * Float(pow(0.5, Double(layers)))
            #expect(abs(steps[steps.count / 2] - rate) < 0.02 * rate, "\(name)")
        }
    }

    /// e₁ = p₁ and eₜ = eₜ₋₁ + (1 - d)(pₜ - eₜ₋₁); the saved model is e, and evaluates as the run said.
    @Test func averages() throws {
        let output = try ResumeTests.output()
        var config = ResumeTests.config(output)
        (config.optimizer.maxSteps, config.optimizer.ema, config.evaluation.saveBest) = (4, 0.6, false)
        (config.output.saveEvery, config.output.keepCheckpoints, config.evaluation.every) = (1, 4, 4)
        let report = try trainModel(config)
        let model = try tensors(output.path + "/run/model.safetensors")
        var average: [String: [Float]] = [:]
        for step in 1...4 {
            let directory = output.path + "/run/checkpoints/step-\(step)/"
            let weights = try tensors(directory + "model.safetensors")
            let saved = try tensors(directory + "optimizer.safetensors")
            for (name, values) in weights {
                let old = average[name]
                average[name] = values.indices.map { index in
                    guard step > 1, let old = old?[index] else { return values[index] }
                    return old + Float(1 - 0.6) * (values[index] - old)
                }
                let actual = try #require(saved[name + ".ema"])
                let worst = zip(actual, try #require(average[name])).map { abs($0 - $1) }.max() ?? 0
                #expect(worst < 1e-6, "\(name) at step \(step)")
                let final = model[name] ?? model["bert." + name]
                if step == 4 { #expect(final == actual, "\(name)") }
            }
        }
        // The saved model, not trained further.
        var again = config
        (again.model.path, again.optimizer.ema, again.optimizer.learningRate) = ("run", nil, 0)
        (again.optimizer.maxSteps, again.evaluation.every, again.output.directory) = (1, 1, "again")
        let other = try trainModel(again)
        let (a, b) = (report.evaluations[0].metrics.loss, other.evaluations[0].metrics.loss)
        #expect(abs(a - b) < 1e-5 * b)
    }
}
