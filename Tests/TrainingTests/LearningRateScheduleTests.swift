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

    @Test func withoutWarmUpTheFirstStepHasThePeak() {
        let schedule = LearningRateSchedule(shape: .linear, peak: 1, steps: 4)
        #expect((0..<5).map(schedule.rate) == [1, 0.75, 0.5, 0.25, 0])
    }

    @Test func warmUpOnly() {
        let schedule = LearningRateSchedule(shape: .linear, peak: 1, warmupSteps: 4, steps: 4)
        #expect((0..<4).map(schedule.rate) == [0.25, 0.5, 0.75, 1])
    }
}
