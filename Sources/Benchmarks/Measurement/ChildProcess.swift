import Foundation

/// A program run to its end.
enum ChildProcess {
    /// - Parameters:
    ///   - command: a program's path, or its name on the PATH, and its arguments.
    ///   - isQuiet: whether what it says on standard error is dropped.
    /// - Returns: what it wrote to standard output, and the seconds from its start to its end.
    /// - Throws: `BenchmarkError` when it cannot be started or its exit status is not 0.
    static func run(_ command: [String], isQuiet: Bool = false) throws -> (output: String, seconds: Double) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardInput = FileHandle.nullDevice
        if isQuiet { process.standardError = FileHandle.nullDevice }
        let pipe = Pipe()
        process.standardOutput = pipe
        let begin = ContinuousClock.now
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            throw BenchmarkError("\(command[0]) ended with status \(process.terminationStatus)")
        }
        return (String(decoding: output, as: UTF8.self), seconds)
    }
}
