import Foundation

/// A shell script in place of a Python: it has versions, and answers every count with the same seconds.
final class FakePeer {
    private let directory: URL

    /// - Parameters:
    ///   - seconds: what it says each run took.
    ///   - answers: after how many answers it ends.
    init(seconds: Double, answers: Int = 1000) throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "bertc-benchmarks-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let script = """
            #!/bin/sh
            echo "$@" >> \(directory.path)/calls
            if [ "$2" = --versions ]; then echo '{"torch": "1.2.3", "transformers": "4.5.6"}'; exit; fi
            left=\(answers)
            answer() {
                [ $left -gt 0 ] || exit
                left=$((left - 1))
                echo '{"seconds": \(seconds), "peak": 1000000}'
            }
            answer
            while read -r count; do echo "$count" >> \(directory.path)/counts; answer; done
            """
        try script.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    /// Of the script.
    var path: String { directory.appendingPathComponent("python").path }

    /// The arguments of each start.
    var calls: [String] { lines("calls") }

    /// The counts that were asked for.
    var counts: [String] { lines("counts") }

    private func lines(_ name: String) -> [String] {
        let text = try? String(contentsOf: directory.appendingPathComponent(name), encoding: .utf8)
        return (text ?? "").split(separator: "\n").map(String.init)
    }
}
