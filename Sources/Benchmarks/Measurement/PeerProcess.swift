import Measuring

/// A peer in a process of its own (Peers/peer.py), which stays alive and idle between its turns.
package final class PeerProcess: Subject {
    /// The most that the process ever had resident, in bytes.
    package private(set) var peakByteCount: Int
    private let process: AnsweringProcess<Answer>

    private struct Answer: Decodable {
        let seconds: Double
        let peak: Int
    }

    /// Starts the process and waits for its first runs, which nobody times.
    ///
    /// - Parameter work: what is to be done, as arguments of the script.
    /// - Throws: `AnswerError` when the process ends instead.
    package init(
        _ python: PeerPython, _ work: [String], mode: PeerMode = .eager, threads: Int, warmup: Int = 2
    ) throws {
        process = try AnsweringProcess(
            ["OMP_NUM_THREADS=\(threads)", python.interpreter, PeerPython.script("peer")] + work
                + ["--mode", mode.rawValue, "--threads", "\(threads)", "--warmup", "\(warmup)"])
        peakByteCount = try process.answer().peak
    }

    package func seconds(repeating count: Int) throws -> Double {
        let answer = try process.ask("\(count)")
        peakByteCount = answer.peak
        return answer.seconds
    }
}
