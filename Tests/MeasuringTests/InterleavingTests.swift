import Measuring
import Testing

@Suite struct InterleavingTests {
    /// Takes the given seconds, one after the other, then fails; writes its name down at each turn.
    private final class Scripted: Subject {
        private let name: String
        private var seconds: [Double]
        private let log: Log

        init(_ name: String, _ seconds: [Double], _ log: Log) {
            (self.name, self.seconds, self.log) = (name, seconds, log)
        }

        func seconds(repeating count: Int) throws -> Double {
            log.turns.append("\(name)\(count)")
            guard !seconds.isEmpty else { throw Failure() }
            return seconds.removeFirst()
        }
    }

    private struct Failure: Error {}

    private final class Log {
        var turns: [String] = []
        var notes: [String] = []
    }

    private func interleaving(_ log: Log) -> Interleaving {
        Interleaving(rounds: 3, repeats: 2, pause: 0) { log.notes.append($0) }
    }

    @Test func sidesTakeTurnsAndTheFasterPeerCounts() throws {
        let log = Log()
        let sides = [
            Interleaving.Side("eager", Scripted("e", [4, 9, 3], log)),
            Interleaving.Side("compile", Scripted("c", [3, 2, 8], log)),
        ]
        let result = try interleaving(log).run(Scripted("a", [1, 3, 2], log), against: sides)
        #expect(result.ours.values == [1, 2, 3])
        #expect(result.peer?.name == "compile")
        #expect(result.peer?.samples.median == 3)
        #expect(log.turns.filter { $0 == "a2" }.count == 3)
        #expect(log.turns.count == 9)
        #expect(log.turns.enumerated().allSatisfy { ($0.offset % 3 == 0) == ($0.element == "a2") })
        #expect(log.notes.isEmpty)
    }

    @Test func aPeerThatFailsIsLeftOut() throws {
        let log = Log()
        let sides = [
            Interleaving.Side("eager", Scripted("e", [4, 4, 4], log)),
            Interleaving.Side("compile", Scripted("c", [1], log)),
        ]
        let result = try interleaving(log).run(Scripted("a", [1, 1, 1], log), against: sides)
        #expect(result.peer?.name == "eager")
        #expect(log.notes.count == 1)
        #expect(log.notes.first?.hasPrefix("compile: ") == true)
    }

    @Test func oursMustNotFail() {
        let log = Log()
        #expect(throws: Failure.self) { try interleaving(log).run(Scripted("a", [1], log), against: []) }
    }

    @Test func samples() {
        let samples = Samples([5, 1, 2])
        #expect([samples.least, samples.median, samples.most] == [1, 2, 5])
        #expect(Samples([4, 1, 2, 8]).median == 3)
    }

    @Test(arguments: [(0.00123, "1.23 ms"), (0.0123, "12.3 ms"), (12.3, "12.30 s")])
    func seconds(value: Double, text: String) {
        #expect(MeasuredUnit.seconds.text(Samples([value])) == text)
    }
}
