import Foundation
import Training

/// Shows a training run: a progress bar on a terminal, plain lines elsewhere, or one JSON object per event.
struct TrainingReporter {
    /// How much is shown.
    enum Style {
        /// Lines for what happened, and between them a bar that is drawn over and over.
        case terminal
        /// Lines, one every so many steps.
        case lines(every: Int)
        /// One JSON object per event.
        case json
        /// Nothing but the results at the end.
        case results
    }

    let style: Style
    private var bar = TerminalLine()

    init(_ style: Style) { self.style = style }

    /// - Parameter notes: takes what calls for attention, a line at a time.
    mutating func show(_ event: TrainingEvent, notes: (String) -> Void) {
        if !event.notes.isEmpty { bar.clear() }
        event.notes.forEach(notes)
        switch style {
        case .json: print(event.json)
        case .results: break
        case .terminal, .lines:
            if case .step(let step) = event { return show(step) }
            for line in event.lines { print(line) }
        }
    }

    /// The results of a run, whatever the style.
    mutating func show(_ report: TrainingReport) {
        if case .json = style { return print(report.json) }
        for line in report.lines { print(line) }
    }

    /// Prints a line in place of the bar.
    mutating func print(_ line: any CustomStringConvertible) {
        bar.clear()
        Console.print("\(line)")
        // A log that somebody follows shows each line at once.
        Console.flush()
    }

    /// Takes the bar away: something else is going to be printed.
    mutating func clear() { bar.clear() }

    private mutating func show(_ step: StepReport) {
        switch style {
        case .terminal:
            let line = ProgressLine(
                epoch: step.epoch, epochs: step.epochs, step: step.step, steps: step.steps, loss: step.loss,
                tokensPerSecond: step.tokensPerSecond, secondsLeft: step.secondsLeft,
                extras: StepExtra.words(step.extras, onProgressLine: true))
            bar.draw { line.text(width: $0) }
        case .lines(let interval):
            if step.step % interval == 0 || step.step == step.steps { print(step.line) }
        case .json, .results: break
        }
    }
}
