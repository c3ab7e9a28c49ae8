import Foundation
import GraphIR
import Testing

@Suite("docs/ir.md")
struct DocumentationTests {
    private func page() throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        return try String(contentsOf: root.appending(path: "docs/ir.md"), encoding: .utf8)
    }

    /// The fenced blocks of a language.
    private func blocks(_ language: String) throws -> [String] {
        try page().components(separatedBy: "```\(language)\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
    }

    @Test("the builder example prints as the page shows, and both texts parse")
    func example() throws {
        let graph = try GraphBuilder.build("classifier") { g in
            let x = g.input("x", .f32, ["tokens", 384])
            let offsets = g.input("offsets", .i32, [.symbol("sequences", offset: 1)])
            let lengths = g.input("lengths", .i32, ["sequences"])
            let labels = g.input("labels", .i32, ["sequences"])
            let w = g.parameter("w", [384, 2])
            let b = g.parameter("b", [2])
            let pooled = g.scope("pooler") { x.segmentSum(offsets: offsets, lengths: lengths).tanh() }
            let logits = g.scope("head") { pooled.matmul(w) + b }
            g.output("logits", logits)
            g.output("loss", logits.crossEntropy(labels: labels).mean())
        }
        let texts = try blocks("graph")
        try #require(texts.count == 2)
        #expect(graph.description == texts[0])
        #expect(try Graph(parsing: texts[0]) == graph)
        #expect(try Graph(parsing: texts[1]).nodes.count == 6)
    }

    @Test("every op is on the page")
    func ops() throws {
        let page = try page()
        for mnemonic in Op.attributeNames.keys {
            #expect(page.contains(try Regex("[` ]\(mnemonic)[` ]")), "\(mnemonic)")
        }
    }
}
