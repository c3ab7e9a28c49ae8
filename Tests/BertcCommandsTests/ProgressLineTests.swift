import BertcCommands
import Support
import Testing

@Suite struct ProgressLineTests {
    static let line = ProgressLine(
        epoch: 2, epochs: 3, step: 412, steps: 801, loss: 0.31208, tokensPerSecond: 3820.6, secondsLeft: 83.4)

    @Test func showsEverythingWhereThereIsRoom() {
        let text = Self.line.text(width: 120)
        #expect(text.hasPrefix("epoch 2/3 [===="))
        #expect(text.hasSuffix("] 412/801  loss 0.3121  3821 tokens/s  1:23 left"))
        // 412 of 801 of 40 columns.
        #expect(text.count { $0 == "=" } == 20)
    }

    @Test(arguments: 0...130)
    func neverExceedsTheWidth(width: Int) {
        #expect(Self.line.text(width: width).count <= width)
    }

    @Test func narrowTerminalsKeepTheFirstNumbers() {
        #expect(Self.line.text(width: 34) == "epoch 2/3 412/801  loss 0.3121")
        #expect(Self.line.text(width: 20) == "epoch 2/3 412/801")
    }

    @Test(arguments: [(7.0, "0:07"), (754, "12:34"), (3723, "1:02:03"), (59.6, "1:00"), (-3, "0:00")])
    func timesHaveMinutesAndHours(seconds: Double, text: String) {
        #expect(ProgressLine.time(seconds) == text)
    }

    @Test(arguments: [
        (0.0, 4, "0.0000"), (-0.00001, 2, "0.00"), (1.005, 1, "1.0"), (-12.345, 2, "-12.35"),
        (0.9996, 3, "1.000"), (7.5, 0, "8"),
    ])
    func numbersHaveFixedDigits(value: Double, digits: Int, text: String) {
        #expect(Formatted.number(value, digits: digits) == text)
    }
}
