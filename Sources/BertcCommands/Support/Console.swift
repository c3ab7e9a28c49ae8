import Foundation
import GraphCompiler
import Synchronization

/// Standard output for results, standard error for everything about them. Control characters go to terminals
/// only.
enum Console {
    /// Launchers of several processes give each a terminal of their own, whatever becomes of what is written there.
    static let outputIsTerminal =
        isatty(STDOUT_FILENO) != 0 && ProcessGroup.launchedCount == nil
        && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    static let inputIsTerminal = isatty(STDIN_FILENO) != 0

    private static let output = Mutex(OutputStream(descriptor: STDOUT_FILENO))

    /// Makes the standard streams what the rest of the tool counts on.
    static func start() {
        // A closed stream's number would go to the next file that is opened, which would then receive our output.
        // What stands in for it can be neither read nor written as the stream would be.
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF
        {
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Writes a line of results.
    static func print(_ line: String) {
        output.withLock { $0.add("\(line)\n", isUrgent: outputIsTerminal) }
    }

    /// Writes text of results as it is.
    static func write(_ text: String) { output.withLock { $0.add(text, isUrgent: false) } }

    /// Writes a line that is not a result.
    static func note(_ line: String) { writeError("bertc: \(oneLine(line))\n") }

    /// Writes the one line that says why the command failed.
    static func error(_ message: String) { writeError("bertc: error: \(oneLine(message))\n") }

    /// Hands the results so far to the system, for whoever follows them; `finish` reports when that fails.
    static func flush() { output.withLock { $0.flush() } }

    /// Hands everything written so far to the system.
    ///
    /// - Throws: `CommandError` when standard output did not take all of it, for example because a disk is full.
    static func finish() throws(CommandError) {
        flush()
        guard let reason = output.withLock({ $0.failure }) else { return }
        throw CommandError(.cannotCreate, "standard output: cannot be written: \(reason)")
    }

    /// Writes to standard error at once, after all results so far. Nobody can be told when that fails, and the
    /// command's status stays what it is.
    static func writeError(_ text: String) {
        flush()
        var stream = OutputStream(descriptor: STDERR_FILENO)
        stream.add(text, isUrgent: true)
    }

    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ").unicodeScalars.map { scalar in
            // A file's names must not steer the terminal.
            scalar.properties.generalCategory == .control
                ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
        }.joined()
    }
}

/// Text on its way to a file descriptor, which remembers when it did not arrive.
private struct OutputStream {
    let descriptor: Int32
    /// The system's first reason for not taking everything.
    private(set) var failure: String?
    private var buffer: [UInt8] = []

    init(descriptor: Int32) { self.descriptor = descriptor }

    mutating func add(_ text: String, isUrgent: Bool) {
        buffer += text.utf8
        if isUrgent || buffer.count >= 1 << 16 { flush() }
    }

    mutating func flush() {
        defer { buffer.removeAll(keepingCapacity: true) }
        guard failure == nil else { return }
        buffer.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Foundation.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0, errno == EINTR || errno == EAGAIN && waitForRoom() { continue }
                guard count > 0 else {
                    failure = String(cString: strerror(errno))
                    return
                }
                rest = rest.dropFirst(count)
            }
        }
    }

    /// Whoever made the descriptor may have asked for writes that do not wait.
    private func waitForRoom() -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&request, 1, -1) >= 0 || errno == EINTR
    }
}
