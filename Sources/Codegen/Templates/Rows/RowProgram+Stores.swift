import KernelIR

extension RowProgram {
    /// Whether rows can be written some columns at a time: no value or total of a row needs all of them.
    var worksOnChunks: Bool {
        let varies = ElementWriter(program: ops, lanes: 1).varies
        let totalsRow = stores.contains { if case .total(_, let id) = $0 { !varies[id] } else { false } }
        return !totalsRow && !ops.contains(where: \.isReduction)
    }

    var hasColumnSums: Bool { stores.contains { if case .columnSum = $0 { true } else { false } } }

    /// Totals of element values as totals of their sums over the columns.
    var reducingTotals: RowProgram {
        let varies = ElementWriter(program: ops, lanes: 1).varies
        var result = self
        for (index, store) in stores.enumerated() {
            guard case .total(let buffer, let id) = store, varies[id] else { continue }
            let sum = ElementOp.reduce(.sum, id)
            let known = result.ops.firstIndex(of: sum)
            if known == nil { result.ops.append(sum) }
            result.stores[index] = .total(buffer: buffer, known ?? result.ops.count - 1)
        }
        return result
    }
}

extension RowProgram.Store {
    var valueID: ElementID {
        switch self {
        case .element(_, let id), .columnSum(_, let id), .total(_, let id): id
        }
    }

    /// Whether the store happens for each column, not once per row.
    var isPerElement: Bool {
        switch self {
        case .element(let access, _): access.hasColumns
        case .columnSum: true
        case .total: false
        }
    }
}
