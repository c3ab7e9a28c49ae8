import Foundation
import GraphIR
import Testing

@Suite("Attention masks") struct MaskTests {
    /// SparseBERT's table: the masks at 128 tokens with their sparsity in percent.
    static let table: [(mask: String, sparsity: Double)] = [
        ("strided(l=4)", 70.4), ("fixed(l=4, c=1)", 72.7), ("longformer(w=4, globals=[0, 63, 127])", 88.7),
        ("logsparse", 89.8), ("bigbird(w=2, globals=[0], random=2, seed=4)", 93.2), ("star", 96.1),
    ]

    static let all =
        table.map(\.mask) + [
            "causal", "window(w=0)", "window(w=70)", "dilated(w=3, step=5)", "fixed(l=6, c=0)",
        ]

    @Test("the masks of the table are those of the fixture, bit for bit", arguments: table.indices)
    func golden(_ index: Int) throws {
        let file = try #require(
            Bundle.module.url(forResource: "masks_128", withExtension: "txt", subdirectory: "Fixtures"))
        let golden = try AttentionMask(parsingFile: String(contentsOf: file, encoding: .utf8), file: "masks")
        let mask = try AttentionMask(parsing: Self.table[index].mask)
        var (kept, wrong) = (0, 0)
        for query in 0..<128 {
            for key in 0..<128 {
                let keeps = mask.keeps(query: query, key: key, head: 0)
                kept += keeps ? 1 : 0
                wrong += keeps == golden.keeps(query: query, key: key, head: index) ? 0 : 1
            }
        }
        #expect(wrong == 0)
        let sparsity = 100 * (1 - Double(kept) / (128 * 128))
        #expect(abs(sparsity - Self.table[index].sparsity) < 0.05)
        #expect(try AttentionMask(parsing: String(Self.table[index].mask.prefix { $0 != "(" })) == mask)
    }

    @Test("rows of bits are what single pairs say, at any length", arguments: all, [1, 64, 100, 300])
    func rows(_ text: String, _ length: Int) throws {
        let pattern = try AttentionMask(parsing: text).patterns[0]
        for query in stride(from: 0, to: length, by: 7) {
            var words = Array(repeating: UInt64(0), count: (length + 63) / 64)
            pattern.setKeys(of: query, below: length, in: &words)
            let kept = (0..<words.count * 64).filter { (key: Int) -> Bool in
                let word: UInt64 = words[key / 64]
                return (word >> UInt64(key % 64)) & 1 == 1
            }
            #expect(kept == (0..<length).filter { pattern.keeps(query: query, key: $0) })
        }
    }

    @Test("BigBird's random keys differ, lie in the span of their row, and follow the seed")
    func randomKeys() throws {
        func keys(_ seed: Int, _ query: Int) -> [Int] {
            let mask = MaskPattern.bigbird(0, globals: [], random: 3, seed: seed)
            return (0..<2048).filter { $0 != query && mask.keeps(query: query, key: $0) }
        }
        for (query, span) in [(0, 128), (127, 128), (128, 256), (1000, 1024), (1500, 2048)] {
            let drawn = keys(7, query)
            // The query itself may be among the three.
            #expect(drawn.count == 2 || drawn.count == 3)
            #expect(drawn.allSatisfy { $0 < span })
            #expect(drawn != keys(8, query))
        }
    }

    @Test("a mask file and the text form keep all bits") func bits() throws {
        let text = "# first head\n8000\nc000\nffc0\n\n0000\n0000\n0000\n0000\n0000\n0000\n0040\n# second\n"
        let mask = try AttentionMask(
            parsingFile: text + String(repeating: "ffc0\n", count: 10), file: "m.txt")
        #expect(mask.size == 10)
        #expect(mask.patterns.count == 2)
        #expect(mask.keeps(query: 0, key: 0, head: 0) && !mask.keeps(query: 0, key: 1, head: 0))
        #expect(mask.keeps(query: 9, key: 9, head: 0) && mask.keeps(query: 5, key: 7, head: 1))
        #expect(try AttentionMask(parsing: mask.description) == mask)
    }

    @Test(
        "a mask file that is not one is refused with its line",
        arguments: [
            ("80\nf0\n", "m.txt:1: expected 2 rows of 2 hex digits"),
            ("\n# a\n8000\n", "m.txt:2: expected 1 rows"),
            ("# a\n80\n# b\n", "m.txt: expected one mask, or masks of equal size"),
            ("", "m.txt: expected one mask"),
            ("xy\n", "m.txt:1: expected"),
        ])
    func badFile(_ text: String, _ message: String) {
        // Two rows of eight bits are not a mask of two.
        #expect { try AttentionMask(parsingFile: text, file: "m.txt") } throws: { "\($0)".contains(message) }
    }

    @Test("the text form round trips", arguments: all + ["window(w=2); causal"])
    func text(_ text: String) throws {
        #expect(try AttentionMask(parsing: text).description == text)
    }

    @Test("parameters may go without names")
    func positions() throws {
        #expect(
            try AttentionMask(parsing: "bigbird(3,[0, 5],1,9)")
                == AttentionMask(parsing: "bigbird(seed=9,w=3,random=1,globals=[0,5])"))
        #expect(try AttentionMask(parsing: "longformer(2, [])").patterns == [.longformer(2, globals: [])])
        #expect(try AttentionMask(parsing: "star; star").patterns == [.star])
    }

    @Test(
        "a wrong mask is refused",
        arguments: [
            ("windw(4)", "there is no mask 'windw'; expected one of causal, window"),
            ("windw(4)", "did you mean 'window'?"),
            ("window", "mask window: 'w' is missing"), ("window(x)", "'w' must be an integer, got 'x'"),
            ("window(4", "expected ')' at the end"),
            ("window(4, 5)", "mask window has no parameter for '5'; it takes w"),
            ("star(1)", "mask star has no parameter for '1'; it takes none"),
            ("window(v=4)", "no parameter for 'v=4'"),
            ("longformer(4, 0)", "'globals' must be a list such as [0, 63]"), ("", "there is no mask ''"),
            ("bits(8, ff)", "'rows' must be 8 rows of 8 bits in hex"),
        ])
    func mistakes(_ text: String, _ message: String) {
        #expect { try AttentionMask(parsing: text) } throws: { "\($0)".contains(message) }
    }

    @Test(
        "an op refuses parameters out of range and a wrong number of heads",
        arguments: [
            ("window(-1)", "mask window(w=-1): w must be 0 to"), ("strided(0)", "l must be 1 to"),
            ("fixed(4, 5)", "c 0 to l"), ("dilated(1, 0)", "step 1 to"),
            ("bigbird(random=200)", "random must be 0 to 128"),
            ("longformer(1, [-1])", "w and globals must be 0 to"),
            ("causal; star; logsparse", "the mask has 3 patterns for 2 heads"),
        ])
    func ranges(_ text: String, _ message: String) throws {
        let mask = try AttentionMask(parsing: text)
        #expect { try mask.check(heads: 2) } throws: { "\($0)".contains(message) }
    }

    @Test("attention prints its mask and reads it") func graph() throws {
        let mask = AttentionMask(heads: [.window(2), .causal])
        let graph = try GraphBuilder.build("masked") { g in
            let q = g.input("q", .f32, ["tokens", 2, 8])
            let segments = [
                g.input("offsets", .i32, [.symbol("sequences", offset: 1)]),
                g.input("lengths", .i32, ["sequences"]),
            ]
            let attributes = AttentionAttributes(scale: 0.5, mask: mask)
            let results = g.applyAll(.flashAttention(attributes), [q, q, q] + segments)
            let gradient = g.applyAll(.flashAttentionGradient(attributes), [q, q, q, q] + results + segments)
            g.output("dq", gradient[0])
        }
        #expect(graph.description.contains("mask = \"window(w=2); causal\""))
        #expect(try Graph(parsing: graph.description) == graph)
        let broken = graph.description.replacingOccurrences(of: "window(w=2)", with: "windo(w=2)")
        #expect { try Graph(parsing: broken) } throws: {
            "\($0)".contains("graph:5:") && "\($0)".contains("there is no mask 'windo'")
        }
    }
}
