import Foundation

/// The learning rate of each step.
///
/// With n steps, w of them warm-up, and steps s counted from 0:
/// - s < w: peak · (s + 1) / w, so that the first step already learns and the last warm-up step has the peak. (Hugging
///   Face's schedules have s / w here, whose first step changes nothing. After the warm-up both agree.)
/// - s ≥ w: peak · shape(r), where r = (n - s) / (n - w) falls from 1 and would reach 0 at step n:
///   linear r; cosine (1 + cos(π (1 - r))) / 2; polynomial r^power; constant 1.
public struct LearningRateSchedule: Hashable, Sendable {
    /// How the rate falls after the warm-up.
    public enum Shape: String, Sendable, CaseIterable {
        case linear, cosine, polynomial, constant
    }

    /// How the rate falls after the warm-up.
    public let shape: Shape
    /// The rate at the end of the warm-up.
    public let peak: Double
    /// Steps in which the rate grows from 0 to `peak`.
    public let warmupSteps: Int
    /// All steps, those of the warm-up included.
    public let steps: Int
    /// The exponent of `polynomial`.
    public let power: Double

    /// A schedule of `steps` steps; `power` is for the polynomial shape.
    public init(shape: Shape, peak: Double, warmupSteps: Int = 0, steps: Int, power: Double = 1) {
        self.shape = shape
        self.peak = peak
        self.warmupSteps = warmupSteps
        self.steps = steps
        self.power = power
    }

    /// The schedule that a configuration asks for, over a number of steps.
    init(_ config: TrainingConfig, steps: Int) {
        let share = Int((config.optimizer.warmupRatio * Double(steps)).rounded(.up))
        self.init(
            shape: config.optimizer.schedule, peak: config.optimizer.learningRate,
            warmupSteps: config.optimizer.warmupSteps ?? share,
            steps: steps, power: config.optimizer.polynomialPower)
    }

    /// The rate of a step, counted from 0.
    public func rate(at step: Int) -> Double {
        if step < warmupSteps { return peak * Double(step + 1) / Double(warmupSteps) }
        let rest = max(0, Double(steps - step) / Double(max(1, steps - warmupSteps)))
        switch shape {
        case .linear: return peak * rest
        case .cosine: return peak * (1 + cos(.pi * (1 - rest))) / 2
        case .polynomial: return peak * pow(rest, power)
        case .constant: return peak
        }
    }
}
