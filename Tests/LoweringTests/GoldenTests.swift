import Foundation
import GraphIR
import KernelIR
import Lowering
import Target
import TestSupport
import Testing

/// Files under `Golden/`: the target (`// target: avx2`), a graph and, after `// expect`, the program that it is lowered
/// to, which the verifier has nothing to say about.
///
/// Run the tests with `BERTC_BLESS=1` in the environment to write what lowering gives now into the files.
@Suite struct GoldenTests {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")

    /// Targets with all that lowering asks of them, so that the text is the same on every machine.
    static let targets = [
        "avx2": Machine(.avx2),
        "avx512": Machine(.avx512),
        "avx512vnni": Machine(.avx512vnni),
        "avx512bf16": Machine(.avx512bf16),
        "amx": Machine(.amx),
        "amx-bf16x3": Machine(.amx, f32Terms: 2),
        "openblas": Machine(.avx512, usesLibraryMatmul: true),
    ]

    @Test func thereAreFiles() { #expect(GoldenFile.names(in: Self.directory).count > 15) }

    @Test(arguments: GoldenFile.names(in: directory)) func lowering(_ file: String) throws {
        let golden = try GoldenFile(Self.directory.appending(path: file))
        let target = try #require(Self.targets[golden.directive("target")], "\(file): no such target")
        let graph = try Graph(parsing: golden.input, file: file)
        let program = try Lowering.lower(graph, for: target, keepsPanels: true)
        try program.verify(lanes: target.target.lanes)
        try golden.check(program.description)
    }
}
