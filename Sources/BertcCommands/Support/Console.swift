import Foundation

/// Standard output for results, standard error for everything about them. Control characters go to terminals
/// only.
enum Console {
    static let outputIsTerminal =
        isatty(STDOUT_FILENO) != 0 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    static let inputIsTerminal = isatty(STDIN_FILENO) != 0

    /// Writes a line of results.
    static func print(_ line: String) { Swift.print(line) }

    /// Writes text of results as it is.
    static func write(_ text: String) { Swift.print(text, terminator: "") }

    /// Writes a line that is not a result.
    static func note(_ line: String) { writeError("bertc: \(oneLine(line))\n") }

    /// Writes the one line that says why the command failed.
    static func error(_ message: String) { writeError("bertc: error: \(oneLine(message))\n") }

    /// Hands everything written so far to the system.
    ///
    /// - Throws: `CommandError` when standard output did not take it, for example because a disk is full.
    static func finish() throws(CommandError) {
        guard fflush(nil) == 0 else {
            throw CommandError(
                .cannotCreate, "standard output: cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    /// Writes to standard error at once, after all results so far.
    static func writeError(_ text: String) {
        fflush(nil)
        FileHandle.standardError.write(Data(text.utf8))
    }

    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
