import Text

/// How many steps a run has, how they fall into epochs, and the learning rate of each.
struct TrainingPlan {
    let epochs: Int
    /// The schedules that follow one another, each over its own steps.
    let schedules: [LearningRateSchedule]
    /// Whether epochs may have different numbers of steps.
    let variesByEpoch: Bool

    var steps: Int { schedules.reduce(0) { $0 + $1.steps } }
    var warmupSteps: Int { schedules.reduce(0) { $0 + $1.warmupSteps } }

    /// The learning rate of a step, counted from 0 over the whole run.
    func rate(at step: Int) -> Double {
        var first = 0
        for schedule in schedules.dropLast() {
            if step < first + schedule.steps { return schedule.rate(at: step - first) }
            first += schedule.steps
        }
        return schedules[schedules.count - 1].rate(at: step - first)
    }
}

extension TrainingPlan {
    /// As many epochs of a data set, or steps, as the configuration says.
    init(_ config: TrainingConfig, _ plan: BatchPlan) {
        func stepCount(epoch: Int) -> Int {
            let batches = plan.batches(epoch: epoch).count
            return (batches + config.batches.gradientAccumulation - 1) / config.batches.gradientAccumulation
        }
        var (steps, epochs) = (0, 0)
        if !plan.variesByEpoch {
            let perEpoch = stepCount(epoch: 0)
            epochs =
                config.optimizer.maxSteps.map { ($0 + perEpoch - 1) / perEpoch } ?? config.optimizer.epochs
            steps = epochs * perEpoch
        }
        while plan.variesByEpoch,
            config.optimizer.maxSteps.map({ steps < $0 }) ?? (epochs < config.optimizer.epochs)
        {
            steps += stepCount(epoch: epochs)
            epochs += 1
        }
        let schedule = LearningRateSchedule(config, steps: config.optimizer.maxSteps ?? steps)
        self.init(epochs: epochs, schedules: [schedule], variesByEpoch: plan.variesByEpoch)
    }
}
