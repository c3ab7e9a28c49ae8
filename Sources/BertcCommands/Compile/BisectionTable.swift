import GraphCompiler
import Support

/// What `--bisect` prints: one line per stage, and whether all agree.
struct BisectionTable: CustomStringConvertible {
    let bisection: Bisection
    let symbols: [String: Int]

    var description: String {
        var table = TextTable(["stage", "nodes", "difference"])
        for stage in bisection.stages {
            table.add([stage.name, "\(stage.nodeCount)", Self.scientific(stage.difference)])
        }
        let extents = symbols.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(
            separator: ", ")
        return """
            compared with the interpreter on random input\(extents.isEmpty ? "" : ": \(extents)")

            \(table)

            \(conclusion)
            """
    }

    private var conclusion: String {
        guard let divergence = bisection.divergence else {
            return "no stage is beyond tolerance: \(Self.scientific(bisection.tolerance.passes)) for passes, "
                + "\(Self.scientific(bisection.tolerance.kernels)) for kernels, relative to the largest element"
        }
        return """
            \(divergence.result) is wrong after \(divergence.stage)
            first node beyond tolerance: \(divergence.place ?? "none when every value is an output")
            """
    }

    /// `2.1e-07`, `0`
    private static func scientific(_ value: Double) -> String {
        guard value.isFinite, value > 0 else { return value == 0 ? "0" : "\(value)" }
        var (mantissa, exponent) = (value, 0)
        while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
        while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
        return "\(Formatted.number(mantissa, digits: 1))e\(exponent)"
    }
}
