import Foundation
import Measuring

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
