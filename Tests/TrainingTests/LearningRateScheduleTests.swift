import Testing
import Training

@Suite struct LearningRateScheduleTests {
    @Test(arguments: [
        (LearningRateSchedule.Shape.linear, [0.5, 1, 1, 0.75, 0.5, 0.25]),
        (.cosine, [0.5, 1, 1, 0.853553390593, 0.5, 0.146446609407]),
        (.polynomial, [0.5, 1, 1, 0.5625, 0.25, 0.0625]),
        (.constant, [0.5, 1, 1, 1, 1, 1]),
    ])
    func sixStepsWithTwoOfWarmUp(shape: LearningRateSchedule.Shape, factors: [Double]) {
        let schedule = LearningRateSchedule(shape: shape, peak: 2e-3, warmupSteps: 2, steps: 6, power: 2)
        for (step, factor) in factors.enumerated() {
            #expect(abs(schedule.rate(at: step) - 2e-3 * factor) < 1e-14, "step \(step)")
        }
    }

    /// As SparseBERT's pre-training falls: the square root of what is left.
    @Test func polynomialsOfPowerOneHalf() {
        let schedule = LearningRateSchedule(
            shape: .polynomial, peak: 6e-3, warmupSteps: 2, steps: 6, power: 0.5)
        for (step, rest) in [(2, 1.0), (3, 0.75), (4, 0.5), (5, 0.25), (6, 0)] {
            #expect(abs(schedule.rate(at: step) - 6e-3 * rest.squareRoot()) < 1e-15)
        }
    }

    @Test func withoutWarmUpTheFirstStepHasThePeak() {
        let schedule = LearningRateSchedule(shape: .linear, peak: 1, steps: 4)
        #expect((0..<5).map(schedule.rate) == [1, 0.75, 0.5, 0.25, 0])
    }

    @Test func warmUpOnly() {
        let schedule = LearningRateSchedule(shape: .linear, peak: 1, warmupSteps: 4, steps: 4)
        #expect((0..<4).map(schedule.rate) == [0.25, 0.5, 0.75, 1])
    }
}
