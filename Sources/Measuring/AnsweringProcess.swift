import Foundation
import Support

/// A program in a process of its own that stays alive and idle between its turns. It writes a line of JSON when it
/// is ready, and one for each line that it is sent; the end of its standard input ends it.
package final class AnsweringProcess<Answer: Decodable> {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    /// What came behind the last whole line.
    private var pending = Data()

    /// Starts the program; its first answer is waiting to be read.
    ///
    /// - Parameter command: a program's path, or its name on the PATH, and its arguments.
    package init(_ command: [String]) throws {
        // A program that has ended is an error of `write`, not a signal.
        signal(SIGPIPE, SIG_IGN)
        process.executableURL = URL(file: "/usr/bin/env")
        process.arguments = command
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Sends a line and waits for the answer to it.
    package func ask(_ line: String) throws -> Answer {
        try input.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8))
        return try answer()
    }

    /// Waits for the next line.
    ///
    /// - Throws: `AnswerError` when the program ends instead, or the line is something else.
    package func answer() throws -> Answer {
        let line = try line()
        guard let answer = try? JSONDecoder().decode(Answer.self, from: line) else {
            throw AnswerError("answered '\(String(decoding: line, as: UTF8.self))'")
        }
        return answer
    }

    private func line() throws -> Data {
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                defer { pending = Data(pending[(end + 1)...]) }
                return Data(pending[..<end])
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { throw AnswerError("the process ended") }
            pending.append(more)
        }
    }
}

/// Why a process gave no answer.
package struct AnswerError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
