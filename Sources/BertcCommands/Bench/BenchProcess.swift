import Foundation
import Measuring

/// A side of a row, running and warm.
final class BenchProcess: Subject {
    /// All turns so far, the first one included.
    private(set) var turns: [BenchSide.Turn] = []
    private let name: String
    private let process: AnsweringProcess<BenchSide.Answer>

    /// Starts the process and waits for its first turn.
    ///
    /// - Parameter name: for errors.
    init(_ side: BenchSide, name: String) throws {
        self.name = name
        let tool = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let text = String(decoding: try JSONEncoder().encode(side), as: UTF8.self)
        process = try AnsweringProcess([tool, "bench", "side", text])
        _ = try take { try process.answer() }
    }

    func seconds(repeating count: Int) throws -> Double {
        var seconds = 0.0
        for _ in 0..<count { seconds += try take { try process.ask("") }.seconds }
        return seconds / Double(count)
    }

    /// Keeps a turn.
    private func take(_ answer: () throws -> BenchSide.Answer) throws -> BenchSide.Turn {
        let result = Result { try answer() }
        if Interrupt.isRequested { throw ExitStatus.interrupted }
        switch result {
        case .success(.turn(let turn)):
            turns.append(turn)
            return turn
        case .success(.failure(let reason)): throw CommandError(.failure, "\(name): \(reason)")
        case .failure(let error): throw CommandError(.failure, "\(name): \(error)")
        }
    }
}
