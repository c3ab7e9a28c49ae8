import GraphIR

/// A row program over all rows: maps, row reductions, column sums and totals in one template.
package struct RowKernel: Hashable, Sendable {
    package var rows: Extent
    package var body: RowProgram
    /// Rows (or, when there is one row, columns) are cut into this many even pieces.
    package var tasks: Int

    package init(rows: Extent, columns: Extent, program: [ElementOp], stores: [RowProgram.Store], tasks: Int)
    {
        self.rows = rows
        body = RowProgram(columns: columns, ops: program, stores: stores)
        self.tasks = tasks
    }
}

extension RowKernel: KernelTemplate {
    package var templateName: String { "rows" }
    package var suffix: String { "" }

    package func taskCount(_ symbols: [String: Int]) -> Int { tasks }

    package func scratchByteCount(_ symbols: [String: Int]) -> Int { panelBlocks?.byteCount ?? 0 }

    package var contractionElement: ElementType? { nil }

    package func contractionFlopCount(_ symbols: [String: Int]) -> Int { 0 }

    package func flopCount(_ symbols: [String: Int]) -> Int {
        body.flopCount * rows.value(symbols) * body.columns.value(symbols)
    }

    package func instructionCount(_ symbols: [String: Int]) -> Int {
        body.instructionCount * rows.value(symbols) * body.columns.value(symbols)
    }

    package func countTraffic(_ counter: inout TrafficCounter) {
        counter.count(body, rows: rows.value(counter.symbols), tasks: tasks)

    }

    package func verify(_ verifier: inout KernelVerifier) throws(IRError) {
        try verifier.tasks(tasks)
        try verifier.check(body, rows: rows, sums: (tasks, tasks), reduces: true)
    }
}

extension RowKernel {
    package var description: String {
        "  rows \(rows) x columns \(body.columns) in \(tasks) tasks {\n" + body.lines(indent: "    ")
            + "  }\n"
    }
}
