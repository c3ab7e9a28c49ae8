import GraphCompiler
import Support

/// What the parts of a compilation took, in seconds.
struct CompilationTimes {
    /// Building or reading the graph, gradients included.
    var graph = 0.0
    var passes: [PassRecord] = []
    /// All of the passes' part: verifying the graph in between as well.
    var allPasses = 0.0
    var lowering = 0.0
    /// Generating machine code, or loading it from the cache.
    var code = 0.0

    /// From the graph to machine code.
    var compilation: Double { allPasses + lowering + code }

    private var parts: [(name: String, seconds: Double)] {
        let passes = passes.map { (name: $0.name, seconds: $0.seconds) }
        let verifier = max(0, allPasses - passes.reduce(0) { $0 + $1.seconds })
        return [("build graph", graph)] + passes
            + [("verify", verifier), ("lower to kernels", lowering), ("machine code", code)]
    }

    /// A line a part, in order.
    var text: String {
        let total = graph + compilation
        var table = TextTable(["stage", "seconds", "share"])
        func share(_ seconds: Double) -> String {
            "\(Formatted.number(total > 0 ? seconds / total * 100 : 0, digits: 1)) %"
        }
        for part in parts {
            table.add([part.name, Formatted.number(part.seconds, digits: 4), share(part.seconds)])
        }
        table.add(["total", Formatted.number(total, digits: 4), share(total)])
        return "\(table)"
    }

    var json: JSONValue {
        .array(
            parts.map { .object([("stage", .string($0.name)), ("seconds", .double($0.seconds))]) })
    }
}

/// The result of `body` and what it took.
func timed<Result>(_ seconds: inout Double, _ body: () throws -> Result) rethrows -> Result {
    let start = ContinuousClock.now
    defer { seconds += (ContinuousClock.now - start) / .seconds(1) }
    return try body()
}
