import Foundation
import Support
import TestSupport
import Testing
import Training

@Suite struct LogTests {
    @Test func checksums() {
        // The check value of CRC-32C, and of RFC 3720's 32 zero bytes.
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    }

    static func run(_ output: TemporaryDirectory) throws -> (steps: [StepReport], report: TrainingReport) {
        var config = smallConfig(output, steps: 6)
        config.data.validationFile = Repository.small + "/valid.txt"
        config.evaluation.every = 4
        config.output.logEvery = 2
        config.output.tensorBoard = true
        var steps: [StepReport] = []
        let report = try trainModel(config) { if case .step(let step) = $0 { steps.append(step) } }
        return (steps, report)
    }

    @Test func csv() throws {
        let output = try TemporaryDirectory()
        let (steps, report) = try Self.run(output)
        let rows = String(decoding: try output.data("run/log.csv"), as: UTF8.self).split(separator: "\n").map
        {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        #expect(rows[0].contains("validation_recall") && rows.allSatisfy { $0.count == rows[0].count })
        #expect(rows.dropFirst().map { $0[0] } == ["2", "4", "4", "6", "6"])
        #expect(rows[1][2] == "\((steps[0].loss + steps[1].loss) / 2)")
        #expect(rows[1][3] == "\(steps[1].learningRate)" && rows[1][4] == "\(steps[1].gradientNorm)")
        #expect(rows[3][2] == "" && rows[3][6] == "\(report.evaluations[0].metrics.loss)")
        #expect(rows[5][7] == "\(report.evaluations[1].metrics.accuracy!)")
    }

    /// The numbers of features follow one declaration, wherever they are shown.
    @Test func extras() throws {
        let extras: [StepExtra: Double] = [.lossScale: 1024, .skippedSteps: 2, .maskSparsity: 0.6314]
        #expect(StepExtra.words(extras) == ["scale 1024, 2 skipped", "mask 63.1 % sparse"])
        #expect(StepExtra.words([.lossScale: 1024, .skippedSteps: 0]) == ["scale 1024"])
        #expect(StepExtra.words(extras, onProgressLine: true) == ["mask 63.1 % sparse"])
        #expect(StepExtra.words([:]).isEmpty)
        #expect(StepExtra.skippedSteps.json(2) == .integer(2) && StepExtra.lossScale.json(2) == .double(2))
        let output = try TemporaryDirectory()
        _ = try trainModel(smallConfig(output, steps: 1))
        let log = String(decoding: try output.data("run/log.csv"), as: UTF8.self)
        let header = try #require(log.split(separator: "\n").first)
        #expect(header.hasSuffix("recall@100," + StepExtra.allCases.map(\.rawValue).joined(separator: ",")))
    }

    /// Reads the event file back frame by frame, checksums included.
    @Test func tensorBoard() throws {
        let output = try TemporaryDirectory()
        let (steps, report) = try Self.run(output)
        let directory = output.path + "/run/tensorboard"
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: directory).first)
        #expect(name.hasPrefix("events.out.tfevents."))
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: directory + "/" + name)))[...]
        func number(_ bytes: some Collection<UInt8>) -> UInt64 {
            bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        var events: [[UInt8]] = []
        while !bytes.isEmpty {
            let length = Int(number(bytes.prefix(8)))
            #expect(number(bytes.dropFirst(8).prefix(4)) == UInt64(CRC32C.masked(bytes.prefix(8))))
            let message = bytes.dropFirst(12).prefix(length)
            #expect(number(bytes.dropFirst(12 + length).prefix(4)) == UInt64(CRC32C.masked(message)))
            events.append(Array(message))
            bytes = bytes.dropFirst(16 + length)
        }
        // The version, where the run begins, three rows and two evaluations.
        #expect(events.count == 7)
        #expect(String(decoding: events[0], as: UTF8.self).contains("brain.Event:2"))
        // Step 1 (field 2), and a session log (field 7) whose status (field 1) is START (1).
        #expect(Array(events[1].dropFirst(9)) == [0x10, 1, 0x3A, 2, 0x08, 1])
        func value(_ tag: String, in event: [UInt8]) -> Float? {
            let key = Array(tag.utf8)
            guard let start = event.indices.first(where: { event[$0...].starts(with: key) }) else {
                return nil
            }
            // The tag is followed by the key of field 2, a 32-bit number.
            #expect(event[start + key.count] == 0x15)
            let bits = UInt32(number(event[(start + key.count + 1)...].prefix(4)))
            return Float(bitPattern: bits)
        }
        #expect(value("train/loss", in: events[2]) == Float((steps[0].loss + steps[1].loss) / 2))
        #expect(value("train/learning_rate", in: events[3]) == Float(steps[3].learningRate))
        #expect(value("validation/accuracy", in: events[6]) == Float(report.evaluations[1].metrics.accuracy!))
    }
}
