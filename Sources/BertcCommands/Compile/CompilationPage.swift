import GraphCompiler
import Support

/// What `bertc compile` prints: a page that fits a terminal of 100 columns.
struct CompilationPage: CustomStringConvertible {
    static let width = 100
    /// Rows of the kernel table; what is left is added up in one more.
    static let kernelRows = 22

    let report: CompilationReport
    let times: CompilationTimes
    /// What a training step computes again, if that was asked for.
    var recomputation: Recomputation?

    var description: String {
        """
        \(title)

        \(passes)

        \(kernels)

        \(memory)

        \(summary)
        """
    }

    private var title: String {
        let parameters = report.graph.parameterTotals.filter { $0.role == .trainable || $0.role == .frozen }
        let count = parameters.reduce(0) { $0 + $1.elements }
        let frozen = parameters.filter { $0.role == .frozen }.reduce(0) { $0 + $1.elements }
        let shape = report.symbols.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        let trained = frozen > 0 ? " (\(frozen) of them frozen)" : ""
        return (["\(report.graph.name): \(count) parameters\(trained)"] + shape).joined(separator: ", ")
    }

    /// One line per pass: nodes after it, what it took, and which ops became more or fewer.
    private var passes: TextTable {
        var table = TextTable(["pass", "nodes", "time", "changed"], left: ["pass", "changed"])
        table.add(["as given", "\(report.graph.nodes.count)", "", ""])
        for pass in report.passChanges {
            table.add([
                pass.name, "\(pass.nodes)", Formatted.seconds(pass.seconds),
                pass.text(width: Self.width - 44),
            ])
        }
        return table
    }

    private var kernels: TextTable {
        var table = TextTable(
            ["kernel", "template", "launches", "work", "traffic", "FLOP/B", "code", "predicted"],
            left: ["kernel", "template"])
        let groups = report.kernelGroups
        let shown = groups.prefix(Self.kernelRows)
        for group in shown {
            table.add([group.name, group.template] + figures([group], code: instructionSet(group)))
        }
        let rest = groups[shown.endIndex...]
        if !rest.isEmpty { table.add(["\(rest.count) others", ""] + figures(rest)) }
        table.add(["total", ""] + figures(groups[...]))
        table.clip("kernel", toFit: Self.width)
        return table
    }

    /// Launches, work, traffic, intensity, instruction set and predicted share of the time.
    private func figures(_ groups: ArraySlice<CompilationReport.KernelGroup>, code: String = "") -> [String] {
        let flops = groups.reduce(0) { $0 + $1.flops }
        let bytes = groups.reduce(0) { $0 + $1.traffic.byteCount }
        let seconds = groups.reduce(0) { $0 + $1.seconds }
        return [
            "\(groups.reduce(0) { $0 + $1.launches })", Formatted.flops(flops), Formatted.bytes(bytes),
            Formatted.number(bytes > 0 ? Double(flops) / Double(bytes) : 0, digits: 1), code, share(seconds),
        ]
    }

    /// What the group's code is made for.
    func instructionSet(_ group: CompilationReport.KernelGroup) -> String {
        group.template == "openblas" ? group.template : report.instructionSet
    }

    private func share(_ seconds: Double) -> String {
        "\(Formatted.number(report.seconds > 0 ? seconds / report.seconds * 100 : 0, digits: 1)) %"
    }

    private var memory: TextTable {
        let memory = report.memory
        var table = TextTable(["memory", "tensors", "most at once", "at the peak"])
        let peak = memory.peak?.moment
        for category in MemoryReport.Category.allCases where memory.count(category) > 0 {
            table.add([
                category.rawValue, "\(memory.count(category))",
                Formatted.bytes(memory.peakByteCount(category)),
                Formatted.bytes(peak?.byteCounts[category] ?? 0),
            ])
        }
        table.add(["total", "\(memory.allocations.count)", "", Formatted.bytes(peak?.byteCount ?? 0)])
        return table
    }

    private var summary: String {
        let memory = report.memory
        let peak = memory.peak.map { launch, moment in
            "peak at launch \(launch + 1) of \(memory.timeline.count), \(report.program.graph.place(moment.node))\n"
        }
        return """
            \(peak ?? "")arena \(Formatted.bytes(memory.arenaByteCount)), \
            scratch \(Formatted.bytes(memory.scratchByteCount)) a thread
            \(report.kernelCount) different kernels in \(report.program.launches.count) launches; \
            one run: \(Formatted.flops(report.flops)), \(Formatted.bytes(report.traffic.byteCount)) moved, \
            predicted \(Formatted.seconds(report.seconds))
            \(recomputation.map { "\($0.line)\n" } ?? "")\
            compiled for \(report.instructionSet) in \(Formatted.seconds(times.compilation))
            """
    }
}
