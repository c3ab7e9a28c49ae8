import Foundation
import GraphIR
import Testing
import Transforms

/// Files under `Golden/`: a graph, the passes to run on it (`// pass: a, b`) and, after `// expect`, the result.
///
/// Run the tests with `BERTC_BLESS=1` in the environment to write what the passes give now into the files.
@Suite struct GoldenTests {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")

    static let files: [String] =
        ((try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? [])
        .filter { $0.hasSuffix(".ir") }.sorted()

    @Test func thereAreFiles() { #expect(Self.files.count > 15) }

    @Test(arguments: files) func pass(_ file: String) throws {
        let url = Self.directory.appending(path: file)
        let golden = try GoldenFile(String(contentsOf: url, encoding: .utf8), name: file)
        var graph = try Graph(parsing: golden.input, file: file)
        try PassPipeline(golden.passes).run(on: &graph)
        if ProcessInfo.processInfo.environment["BERTC_BLESS"] == "1" {
            try golden.blessed(graph.description).write(to: url, atomically: true, encoding: .utf8)
        } else if graph.description != golden.expected {
            let diff = difference(from: golden.expected, to: graph.description)
            Issue.record("\(file) differs (BERTC_BLESS=1 accepts what the pass gives now):\n\(diff)")
        }
        // A golden graph is legal and passes have nothing more to say about it.
        if file.hasSuffix("-keeps.ir") { #expect(graph.description == golden.input) }
    }
}

/// A golden file's parts.
struct GoldenFile {
    let passes: [Pass]
    let header: String
    let input: String
    let expected: String

    private static let separator = "// expect\n"
    private static let all = PassPipeline.standard(
        rules: [], keeping: [], precision: .bf16, recompute: .layer
    ).passes

    init(_ text: String, name: String) throws {
        let parts = text.components(separatedBy: Self.separator)
        let lines = parts[0].split(separator: "\n", omittingEmptySubsequences: false)
        let start = lines.firstIndex { !$0.hasPrefix("//") } ?? lines.endIndex
        header = lines[..<start].map { $0 + "\n" }.joined()
        input = lines[start...].joined(separator: "\n")
        expected = parts.count > 1 ? parts[1] : ""
        let names = try #require(
            lines.first?.wholeMatch(of: /\/\/ pass: (.+)/), "\(name): no '// pass:' line"
        ).1
        passes = try names.split(separator: ", ").map { name in
            try #require(Self.all.first { $0.name == name }, "no pass '\(name)'")
        }
    }

    func blessed(_ result: String) -> String { header + input + Self.separator + result }
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
