import Foundation

extension BenchmarkReport {
    /// A heading about the machine and a table with a line for each row.
    package var markdown: String {
        let peer = machine.versions.map { "torch \($0.torch), transformers \($0.transformers)" }
        let lines = [
            "\(machine.name); \(machine.cores) cores; \(peer ?? "no PyTorch").",
            "Measured ceilings: f32 \(gigaflops(machine.flopsPerSecond)), "
                + "bf16 \(gigaflops(machine.bf16FlopsPerSecond)).",
            "", "| work | bertc | peer | the peer is | times | bar | of the ceiling |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        let rows = results.map { "| " + $0.cells.joined(separator: " | ") + " |" }
        let notes = omitted.map { "\($0.name) is left out: \($0.reason)." }
        return (lines + rows + (notes.isEmpty ? [] : [""]) + notes).joined(separator: "\n") + "\n"
    }

    private func gigaflops(_ rate: Double) -> String { String(format: "%.0f GFLOP/s", rate * 1e-9) }
}

extension BenchmarkResult {
    /// The columns of the table; `-` for what there is not.
    var cells: [String] {
        [
            title, unit.text(ours), peer.map { unit.text($0.samples) } ?? "-", peer?.name ?? "-",
            times.map { String(format: "%.2f", $0) } ?? "-", bar ?? "-",
            ceilingShare.map { String(format: "%.1f %%", $0 * 100) } ?? "-",
        ]
    }
}

extension BenchmarkResult.Unit {
    /// `412.0 ms (405.1 to 431.9)`: the median, the least and the most; of one sample that alone.
    package func text(_ samples: Samples) -> String {
        let (factor, digits, unit) = scale(samples.median)
        func number(_ value: Double) -> String { String(format: "%.\(digits)f", value * factor) }
        let spread = " (\(number(samples.least)) to \(number(samples.most)))"
        return "\(number(samples.median)) \(unit)" + (samples.values.count > 1 ? spread : "")
    }

    /// What to multiply values about as large as `median` by, the decimals to show, and the unit that gives.
    private func scale(_ median: Double) -> (factor: Double, digits: Int, unit: String) {
        switch self {
        case .seconds: median < 0.01 ? (1e3, 2, "ms") : median < 1 ? (1e3, 1, "ms") : (1, 2, "s")
        case .bytes: (1e-6, 0, "MB")
        case .share: (100, 1, "%")
        }
    }
}
