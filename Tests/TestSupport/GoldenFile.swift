import Foundation
import Testing

/// A text that a test gives as input and, after `// expect`, the text that comes out. Lines with `//` stand before the
/// input, the first of them a directive: `// pass: fusion`.
package struct GoldenFile {
    package let input: String
    package let expected: String
    private let url: URL
    private let header: String

    private static let separator = "// expect\n"

    package init(_ url: URL) throws {
        self.url = url
        let parts = try String(contentsOf: url, encoding: .utf8).components(separatedBy: Self.separator)
        let lines = parts[0].split(separator: "\n", omittingEmptySubsequences: false)
        let start = lines.firstIndex { !$0.hasPrefix("//") } ?? lines.endIndex
        header = lines[..<start].map { $0 + "\n" }.joined()
        input = lines[start...].joined(separator: "\n")
        expected = parts.count > 1 ? parts[1] : ""
    }

    /// The golden files of a directory in order.
    package static func names(in directory: URL) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? [])
            .filter { $0.hasSuffix(".ir") }.sorted()
    }

    /// What the first line says of `key`.
    package func directive(_ key: String) throws -> String {
        let line = header.prefix { $0 != "\n" }
        let prefix = "// \(key): "
        try #require(line.hasPrefix(prefix), "\(url.lastPathComponent): no '\(prefix)' line")
        return String(line.dropFirst(prefix.count))
    }

    /// Compares `result` with what is expected, or accepts it when `BERTC_BLESS` is 1.
    package func check(_ result: String) throws {
        if ProcessInfo.processInfo.environment["BERTC_BLESS"] == "1" {
            try (header + input + Self.separator + result).write(to: url, atomically: true, encoding: .utf8)
        } else if result != expected {
            let diff = difference(from: expected, to: result)
            Issue.record(
                "\(url.lastPathComponent) differs (BERTC_BLESS=1 accepts what comes out now):\n\(diff)")
        }
    }
}

/// Lines of two texts: `-` only in the first, `+` only in the second.
func difference(from old: String, to new: String) -> String {
    let (old, new) = (old.components(separatedBy: "\n"), new.components(separatedBy: "\n"))
    var removed: Set<Int> = []
    var inserted: Set<Int> = []
    for change in new.difference(from: old) {
        switch change {
        case .remove(let offset, _, _): removed.insert(offset)
        case .insert(let offset, _, _): inserted.insert(offset)
        }
    }
    var lines: [String] = []
    var (i, j) = (0, 0)
    while i < old.count || j < new.count {
        if removed.contains(i) {
            lines.append("- \(old[i])")
            i += 1
        } else if inserted.contains(j) {
            lines.append("+ \(new[j])")
            j += 1
        } else {
            lines.append("  \(new[j])")
            (i, j) = (i + 1, j + 1)
        }
    }
    return lines.joined(separator: "\n")
}
