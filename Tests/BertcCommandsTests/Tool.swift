import Foundation
import TestSupport
import Testing

/// Runs the built `bertc`, which stands beside the test bundle.
enum Tool {
    /// Runs a line of shell, in which `$B` is the tool, for streams and limits that `Process` does not have.
    ///
    /// - Returns: the shell's own status and what it wrote.
    static func shell(_ line: String, in scratch: TemporaryDirectory) throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", line]
        process.currentDirectoryURL = scratch.url
        process.environment = ProcessInfo.processInfo.environment.merging(["B": executable.path]) { $1 }
        let (output, error) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = error
        // Whoever ignores the signal of broken pipes hands that down, and other tests of this process do.
        signal(SIGPIPE, SIG_DFL)
        try process.run()
        let (written, said) = (output.fileHandleForReading.readDataToEndOfFile(), error.fileHandleForReading)
        let notes = said.readDataToEndOfFile()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, output: String(decoding: written, as: UTF8.self),
            error: String(decoding: notes, as: UTF8.self))
    }

    /// What one run of the tool left behind.
    struct Result {
        let status: Int32
        let output: String
        let error: String

        var outputLines: [String] { output.split(separator: "\n").map(String.init) }
    }

    static var executable: URL {
        let bundle = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
        return bundle.resolvingSymlinksInPath().deletingLastPathComponent().appendingPathComponent("bertc")
    }

    /// Runs a command line to its end with `input` as standard input.
    ///
    /// - Parameter meanwhile: called again and again while the tool runs, with what it has written so far.
    static func run(
        _ arguments: [String], input: [UInt8] = [], meanwhile: ((Process, String) throws -> Void)? = nil
    ) throws -> Result {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        // Files rather than pipes: nobody has to read them while the tool runs.
        let scratch = try TemporaryDirectory()
        for name in ["out", "err"] { try scratch.write(name, "") }
        try scratch.write("in", input)
        let output = try FileHandle(forWritingTo: scratch.url("out"))
        let error = try FileHandle(forWritingTo: scratch.url("err"))
        process.standardInput = try FileHandle(forReadingFrom: scratch.url("in"))
        process.standardOutput = output
        process.standardError = error
        try process.run()
        while let meanwhile, process.isRunning {
            try meanwhile(process, try scratch.read("out"))
            Thread.sleep(forTimeInterval: 0.02)
        }
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, output: try scratch.read("out"), error: try scratch.read("err")
        )
    }
}
