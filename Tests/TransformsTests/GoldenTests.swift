import Foundation
import GraphIR
import TestSupport
import Testing
import Transforms

/// Files under `Golden/`: a graph, the passes to run on it (`// pass: a, b`) and, after `// expect`, the result.
///
/// Run the tests with `BERTC_BLESS=1` in the environment to write what the passes give now into the files.
@Suite struct GoldenTests {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")

    private static let passes = PassPipeline.standard(
        rules: [], keeping: [], precision: .bf16, recompute: .layer
    ).passes

    @Test func thereAreFiles() { #expect(GoldenFile.names(in: Self.directory).count > 15) }

    @Test(arguments: GoldenFile.names(in: directory)) func pass(_ file: String) throws {
        let golden = try GoldenFile(Self.directory.appending(path: file))
        var graph = try Graph(parsing: golden.input, file: file)
        let passes = try golden.directive("pass").components(separatedBy: ", ").map { name in
            try #require(Self.passes.first { $0.name == name }, "no pass '\(name)'")
        }
        try PassPipeline(passes).run(on: &graph)
        try golden.check(graph.description)
        // A golden graph is legal and passes have nothing more to say about it.
        if file.hasSuffix("-keeps.ir") { #expect(graph.description == golden.input) }
    }
}
