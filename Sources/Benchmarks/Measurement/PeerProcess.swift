import Foundation

/// A peer in a process of its own (Peers/peer.py), which stays alive and idle between its turns.
package final class PeerProcess: Subject {
    /// The most that the process ever had resident, in bytes.
    package private(set) var peakByteCount = 0
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    /// What came behind the last whole line.
    private var pending = Data()

    /// A line of the peer.
    private struct Answer: Decodable {
        let seconds: Double
        let peak: Int
    }

    /// Starts the process and waits for its first runs, which nobody times.
    ///
    /// - Parameter work: what is to be done, as arguments of the script.
    /// - Throws: `BenchmarkError` when the process ends instead.
    package init(
        _ python: PeerPython, _ work: [String], mode: PeerMode = .eager, threads: Int, warmup: Int = 2
    ) throws {
        // A peer that has ended is an error of `write`, not a signal.
        signal(SIGPIPE, SIG_IGN)
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["OMP_NUM_THREADS=\(threads)", python.interpreter, PeerPython.script("peer")] + work
            + ["--mode", mode.rawValue, "--threads", "\(threads)", "--warmup", "\(warmup)"]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        _ = try answer()
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    package func seconds(repeating count: Int) throws -> Double {
        try input.fileHandleForWriting.write(contentsOf: Data("\(count)\n".utf8))
        return try answer().seconds
    }

    private func answer() throws -> Answer {
        let line = try line()
        guard let answer = try? JSONDecoder().decode(Answer.self, from: line) else {
            throw BenchmarkError("the peer answered '\(String(decoding: line, as: UTF8.self))'")
        }
        peakByteCount = answer.peak
        return answer
    }

    private func line() throws -> Data {
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                defer { pending = Data(pending[(end + 1)...]) }
                return Data(pending[..<end])
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { throw BenchmarkError("the peer's process ended") }
            pending.append(more)
        }
    }
}
