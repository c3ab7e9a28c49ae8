import Support

/// How far training is, as one line for a terminal.
package struct ProgressLine {
    /// One-based.
    package var epoch: Int
    package var epochs: Int
    /// Steps done, over all epochs.
    package var step: Int
    package var steps: Int
    package var loss: Double
    /// Real tokens a second.
    package var tokensPerSecond: Double
    /// `nil` before the first step.
    package var secondsLeft: Double?
    /// What the features of the run say, in words.
    package var extras: [String]

    package init(
        epoch: Int, epochs: Int, step: Int, steps: Int, loss: Double, tokensPerSecond: Double,
        secondsLeft: Double?, extras: [String] = []
    ) {
        self.epoch = epoch
        self.epochs = epochs
        self.step = step
        self.steps = steps
        self.loss = loss
        self.tokensPerSecond = tokensPerSecond
        self.secondsLeft = secondsLeft
        self.extras = extras
    }

    /// `epoch 2/3 [=====>     ] 412/801  loss 0.3121  3821 tokens/s  1:23 left`, in at most `width` columns:
    /// the bar takes what the numbers leave, and on a narrow terminal the last numbers go.
    package func text(width: Int) -> String {
        let start = "epoch \(epoch)/\(epochs)"
        var pieces = [
            "\(step)/\(steps)", "loss \(Formatted.number(loss, digits: 4))",
            "\(Formatted.number(tokensPerSecond, digits: 0)) tokens/s",
        ]
        pieces.insert(contentsOf: extras, at: 2)
        if let secondsLeft { pieces.append("\(Self.time(secondsLeft)) left") }
        func line(_ bar: String) -> String { start + bar + " " + pieces.joined(separator: "  ") }
        while line("").count > width, pieces.count > 1 { pieces.removeLast() }
        let room = min(40, width - line("").count - 3)
        return room < 5 ? String(line("").prefix(max(0, width))) : line(" [\(bar(room))]")
    }

    private func bar(_ width: Int) -> String {
        let done = steps > 0 ? min(width, width * step / steps) : 0
        let head = done < width ? ">" : ""
        return String(repeating: "=", count: done) + head
            + String(repeating: " ", count: width - done - head.count)
    }

    /// `0:07`, `12:34`, `1:02:03`.
    package static func time(_ seconds: Double) -> String {
        let total = Int(min(max(seconds, 0), 1e9).rounded())
        func two(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
        let (hours, minutes) = (total / 3600, total / 60 % 60)
        return (hours > 0 ? "\(hours):\(two(minutes))" : "\(minutes)") + ":\(two(total % 60))"
    }
}
