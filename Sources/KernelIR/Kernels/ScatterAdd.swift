import GraphIR

/// `target[ids[i]] += updates[i]` in the order of i, on a target that an earlier phase has zeroed. Tasks split
/// the columns, so that equal ids never meet across tasks.
package struct ScatterAdd: Hashable, Sendable {
    package var updates: Int
    package var ids: Int
    package var target: Int
    package var count: Extent
    package var rows: Extent
    package var columns: Extent
    package var tasks: Int

    package init(
        updates: Int, ids: Int, target: Int, count: Extent, rows: Extent, columns: Extent, tasks: Int
    ) {
        self.updates = updates
        self.ids = ids
        self.target = target
        self.count = count
        self.rows = rows
        self.columns = columns
        self.tasks = tasks
    }
}

extension ScatterAdd: KernelTemplate {
    package var templateName: String { "scatter-add" }
    package var suffix: String { "" }

    package func taskCount(_ symbols: [String: Int]) -> Int { tasks }

    package func scratchByteCount(_ symbols: [String: Int]) -> Int { 0 }

    package var contractionElement: ElementType? { nil }

    package func contractionFlopCount(_ symbols: [String: Int]) -> Int { 0 }

    package func flopCount(_ symbols: [String: Int]) -> Int { count.value(symbols) * columns.value(symbols) }

    package func instructionCount(_ symbols: [String: Int]) -> Int { flopCount(symbols) }

    package func countTraffic(_ counter: inout TrafficCounter) {
        let (count, columns) = (count.value(counter.symbols), columns.value(counter.symbols))
        let touched = min(count, rows.value(counter.symbols)) * columns
        counter.read(updates, count * columns)
        counter.read(ids, count)
        counter.read(target, touched)
        counter.write(target, touched)
    }

    package func verify(_ verifier: inout KernelVerifier) throws(IRError) {
        try verifier.tasks(tasks)
        try verifier.extents([count, rows, columns])
        try verifier.read(updates, .f32)
        try verifier.read(ids, .i32)
        try verifier.write(target, .f32)
    }
}

extension ScatterAdd {
    package var description: String {
        "  scatter_add b\(target)[b\(ids)] += b\(updates) [\(count) x \(columns)]\n"
    }
}
