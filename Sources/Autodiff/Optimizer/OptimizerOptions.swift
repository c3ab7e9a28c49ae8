import Foundation
import GraphIR

/// How `trainingStep` updates parameters.
public struct OptimizerOptions: Hashable, Sendable {
    /// What turns gradients into updates.
    public var optimizer: Optimizer
    /// Decay rates, ε and weight decay, of LAMB too.
    public var adamW: AdamWAttributes
    /// How the moments are kept between steps.
    public var states: OptimizerStates
    /// Gradients, but for those that are not clipped, are scaled so that their global L2 norm is at most this; `nil`
    /// leaves them alone.
    public var maxGradientNorm: Double?
    /// How much of an exponential moving average of the weights stays in a step; `nil` keeps no average.
    public var averageDecay: Double?
    /// Whether gradients are computed of the loss times the input `loss_scale`, and divided by it before they are
    /// used: in f16 small ones vanish otherwise (Micikevicius et al., arXiv:1710.03740, 3.2).
    public var scalesLoss: Bool
    /// How parameters are treated, by name; those that are not in it as `ParameterTreatment.usual` says.
    public var treatments: [String: ParameterTreatment]

    /// AdamW with its usual numbers, but for what is given; see the properties.
    public init(
        _ optimizer: Optimizer = .adamW, adamW: AdamWAttributes = AdamWAttributes(),
        states: OptimizerStates = .f32, maxGradientNorm: Double? = nil, averageDecay: Double? = nil,
        scalesLoss: Bool = false, treatments: [String: ParameterTreatment] = [:]
    ) {
        self.optimizer = optimizer
        self.adamW = adamW
        self.states = states
        self.maxGradientNorm = maxGradientNorm
        self.averageDecay = averageDecay
        self.scalesLoss = scalesLoss
        self.treatments = treatments
    }

    /// Checks that the numbers are ones to train with.
    func check() throws(IRError) {
        if let norm = maxGradientNorm, !(norm > 0) {
            throw IRError("optimizer", "maxGradientNorm \(norm) must be positive; nil clips nothing")
        }
        if let decay = averageDecay, !(0..<1).contains(decay) {
            throw IRError("optimizer", "averageDecay \(decay) must be in [0, 1)")
        }
        for (name, treatment) in treatments.sorted(by: { $0.key < $1.key })
        where !(treatment.rateScale >= 0 && treatment.rateScale.isFinite) {
            throw IRError("optimizer", "rateScale \(treatment.rateScale) of \"\(name)\" must be at least 0")
        }
    }

    /// How a parameter is treated.
    public func treatment(of name: String) -> ParameterTreatment {
        treatments[name] ?? .usual(of: name)
    }

    /// The values of the scalar inputs that `trainingStep` adds to a graph: the learning rate, the bias corrections
    /// 1 - βᵗ with t = `step` + 1, and, where the options ask for them, `average_weight` and `loss_scale`.
    ///
    /// Moments in bf16 need `rounding_rng` beside them: i64[2], a seed and the step.
    ///
    /// The average starts as the weights after the first step, as `torch.optim.swa_utils.AveragedModel` has it.
    ///
    /// - Parameters:
    ///   - step: updates before this one.
    ///   - learningRate: the rate of this step.
    ///   - lossScale: what the loss is multiplied by, where the options scale it.
    public func inputs(step: Int, learningRate: Double, lossScale: Double = 1) -> [String: Float] {
        var inputs = [TrainingNames.learningRate: Float(learningRate)]
        for (name, beta) in zip(TrainingNames.corrections, [adamW.beta1, adamW.beta2]) {
            inputs[name] = Float(1 - pow(beta, Double(step + 1)))
        }
        if let averageDecay { inputs[TrainingNames.averageWeight] = step == 0 ? 1 : Float(1 - averageDecay) }
        if scalesLoss { inputs[TrainingNames.lossScale] = Float(lossScale) }
        return inputs
    }
}

/// How an optimiser's moments are kept between steps; a step computes with f32.
public enum OptimizerStates: String, Hashable, Sendable, CaseIterable {
    /// As a step leaves them: 8 bytes for each weight.
    case f32
    /// In half of that (but for parameters that are one number), rounded up or down with the probability that makes the
    /// mean exact (`stochastic_round`): to nearest, a moment that changes by less than half of its last place would stand
    /// still.
    case bf16

    var element: ElementType {
        switch self {
        case .f32: .f32
        case .bf16: .bf16
        }
    }

    /// Bytes of a weight's moment.
    package var byteCount: Int { element.byteCount }
}

/// What turns gradients into updates.
public enum Optimizer: String, Hashable, Sendable, CaseIterable {
    /// Adam with decoupled weight decay (Loshchilov & Hutter, arXiv:1711.05101).
    case adamW = "adamw"
    /// AdamW's update times ‖p‖ / ‖update‖ for each parameter with weight decay (You et al., arXiv:1904.00962, as
    /// NVIDIA apex's FusedLAMB without `use_nvlamb`).
    case lamb
}
