import GraphIR

/// Numbers the different ids in the order of their first places, in one task: `positions[i]` is the number of
/// `ids[i]`, `slots[row]` that of the row, on slots that an earlier phase has filled with `count`.
package struct CoalesceRows: Hashable, Sendable {
    package var ids: Int
    package var slots: Int
    package var positions: Int
    package var count: Extent
    package var rows: Extent

    package init(ids: Int, slots: Int, positions: Int, count: Extent, rows: Extent) {
        self.ids = ids
        self.slots = slots
        self.positions = positions
        self.count = count
        self.rows = rows
    }
}

extension CoalesceRows: KernelTemplate {
    package var templateName: String { "coalesce" }
    package var suffix: String { "" }

    package func taskCount(_ symbols: [String: Int]) -> Int { 1 }

    package func scratchByteCount(_ symbols: [String: Int]) -> Int { 0 }

    package var contractionElement: ElementType? { nil }

    package func contractionFlopCount(_ symbols: [String: Int]) -> Int { 0 }

    package func flopCount(_ symbols: [String: Int]) -> Int { 0 }

    package func instructionCount(_ symbols: [String: Int]) -> Int { 0 }

    package func countTraffic(_ counter: inout TrafficCounter) {
        let count = count.value(counter.symbols)
        let touched = min(count, rows.value(counter.symbols))
        counter.read(ids, count)
        counter.read(slots, touched)
        counter.write(slots, touched)
        counter.write(positions, count)
    }

    package func verify(_ verifier: inout KernelVerifier) throws(IRError) {
        try verifier.extents([count, rows])
        try verifier.read(ids, .i32)
        try verifier.write(slots, .i32)
        try verifier.write(positions, .i32)
    }
}

extension CoalesceRows {
    package var description: String {
        "  coalesce b\(slots), b\(positions) = b\(ids) [\(count) of \(rows)]\n"
    }
}
