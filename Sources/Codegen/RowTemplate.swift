import GraphIR
import KernelIR

/// Writes the row template: for each row of the task, one pass over the columns for each level of reductions.
struct RowTemplate {
    let kernel: RowKernel
    let elements: ElementWriter
    let lanes: Int

    init(kernel: RowKernel, lanes: Int) {
        self.kernel = kernel
        self.lanes = lanes
        elements = ElementWriter(program: kernel.program, lanes: lanes)
    }

    private var v: VectorWriter { elements.vectors }

    /// A single row without reductions is split over its columns.
    private var splitsColumns: Bool {
        kernel.rows == .one && !hasReductions && !hasColumnSums
    }

    private var hasReductions: Bool {
        kernel.program.contains { if case .reduce = $0 { true } else { false } }
    }

    private var hasColumnSums: Bool {
        kernel.stores.contains { if case .columnSum = $0 { true } else { false } }
    }

    /// Vectors a loop round: several independent accumulators for reductions, fewer for long maps.
    private var unroll: Int {
        let wanted = hasReductions ? 4 : 2
        guard let columns = kernel.columns.fixedValue else { return wanted }
        let vectors = columns / lanes
        return [wanted, 3, 2, 1].first { $0 <= wanted && vectors >= $0 && (vectors % $0 == 0 || $0 == 1) }
            ?? 1
    }

    func write(_ w: inout FunctionWriter) {
        w.loop(from: "%task0", to: "%task1", by: 1) { w, task, _ in
            if splitsColumns {
                let (from, to) = piece(&w, task, kernel.columns, multiple: 64)
                writeRow(&w, row: "0", task: task, from: from, to: to)
            } else {
                let (from, to) = piece(&w, task, kernel.rows, multiple: 1)
                clearColumnSums(&w, task)
                w.loop(from: from, to: to, by: 1) { w, row, _ in
                    writeRow(&w, row: row, task: task, from: "0", to: w.extent(kernel.columns))
                    return []
                }
            }
            return []
        }
    }

    /// The half-open range of `task`, in steps of `multiple`.
    private func piece(
        _ w: inout FunctionWriter, _ task: String, _ total: Extent, multiple: Int
    ) -> (from: String, to: String) {
        let extent = w.extent(total)
        guard kernel.tasks > 1 else { return ("0", extent) }
        let units = w.ceilDivide(extent, multiple)
        func boundary(_ index: String) -> String {
            let scaled = w.mul(index, units)
            let unit = w.value("udiv i64 \(scaled), \(kernel.tasks)")
            return w.min(w.mul(unit, "\(multiple)"), extent)
        }
        let next = w.value("add i64 \(task), 1")
        return (boundary(task), boundary(next))
    }

    private func clearColumnSums(_ w: inout FunctionWriter, _ task: String) {
        for case .columnSum(let buffer, _) in kernel.stores {
            let columns = w.extent(kernel.columns)
            let start = w.address(w.buffer(buffer), "float", w.mul(task, columns))
            let bytes = w.mul(columns, "4")
            w.line("call void @llvm.memset.p0.i64(ptr \(start), i8 0, i64 \(bytes), i1 false)")
        }
    }

    // MARK: One row

    private func writeRow(_ w: inout FunctionWriter, row: String, task: String, from: String, to: String) {
        var rowValues: [ElementID: String] = [:]
        let lastLevel = kernel.program.indices.map { elements.levels[$0] }.max() ?? 0
        for level in 0...lastLevel {
            let reductions = kernel.program.indices.filter {
                if case .reduce(_, let x) = kernel.program[$0] { elements.levels[x] == level } else { false }
            }
            let stores = kernel.stores.filter { store in
                let id = store.valueID
                return elements.levels[id] == level && (store.isPerElement)
            }
            guard !reductions.isEmpty || !stores.isEmpty else { continue }
            writePass(
                &w, row: row, task: task, from: from, to: to, reductions: reductions, stores: stores,
                &rowValues)
        }
        for case .element(let access, let id) in kernel.stores where !access.hasColumns {
            let value = elements.rowValue(&w, id, row: row, &rowValues)
            let place = ElementWriter.Place(row: row, column: "0", mask: nil)
            elements.store(&w, elements.scalars, access, value, place)
        }
    }

    private func writePass(
        _ w: inout FunctionWriter, row: String, task: String, from: String, to: String,
        reductions: [ElementID],
        stores: [RowKernel.Store], _ rowValues: inout [ElementID: String]
    ) {
        let inputs = reductions.map { reduceInput($0) }
        let spread = elements.spread(&w, inputs + stores.map(\.valueID), row: row, &rowValues)
        let step = unroll * lanes
        // Whole rounds without masks, then vectors with a mask for what is left.
        let span = w.sub(to, from)
        let rounds =
            Int(span).map { "\($0 / step * step)" }
            ?? {
                let whole = w.value("udiv i64 \(span), \(step)")
                return w.mul(whole, "\(step)")
            }()
        let middle = w.add(from, rounds)
        let initial = reductions.flatMap { id in
            (0..<unroll).map { _ in (type: v.name(elements.types[id]), initial: neutral(id)) }
        }
        let partial = w.loop(from: from, to: middle, by: step, carrying: initial) { w, column, carried in
            var next = carried
            for part in 0..<unroll {
                let place = ElementWriter.Place(row: row, column: w.add(column, "\(part * lanes)"), mask: nil)
                var values = spread
                for (index, id) in reductions.enumerated() {
                    let x = elements.elementValue(&w, inputs[index], at: place, &values)
                    let slot = index * unroll + part
                    next[slot] = combine(&w, id, carried[slot], x)
                }
                write(&w, stores, place, task: task, &values)
            }
            return next
        }
        var accumulators = reductions.indices.map { index in
            partial[(index * unroll)..<((index + 1) * unroll)].dropFirst()
                .reduce(partial[index * unroll]) { combine(&w, reductions[index], $0, $1) }
        }
        if Int(span).map({ $0 % step != 0 }) ?? true {
            let carried = reductions.enumerated().map {
                (type: v.name(elements.types[$1]), initial: accumulators[$0])
            }
            accumulators = w.loop(from: middle, to: to, by: lanes, carrying: carried) { w, column, carried in
                let mask = tailMask(&w, w.sub(to, column))
                let place = ElementWriter.Place(row: row, column: column, mask: mask)
                var values = spread
                let next = reductions.enumerated().map { index, id in
                    let x = elements.elementValue(&w, inputs[index], at: place, &values)
                    let combined = combine(&w, id, carried[index], x)
                    return v.select(&w, mask, elements.types[id], combined, carried[index])
                }
                write(&w, stores, place, task: task, &values)
                return next
            }
        }
        for (index, id) in reductions.enumerated() { rowValues[id] = horizontal(&w, id, accumulators[index]) }
    }

    private func write(
        _ w: inout FunctionWriter, _ stores: [RowKernel.Store], _ place: ElementWriter.Place, task: String,
        _ values: inout [ElementID: String]
    ) {
        for store in stores {
            let value = elements.elementValue(&w, store.valueID, at: place, &values)
            switch store {
            case .element(let access, _):
                elements.store(&w, v, access, value, place)
            case .columnSum(let buffer, _):
                let access = Access.elements(buffer, .f32, columns: kernel.columns)
                let sums = ElementWriter.Place(row: task, column: place.column, mask: place.mask)
                let before = elements.load(&w, v, access, sums)
                elements.store(&w, v, access, v.op(&w, "fadd", before, value), sums)
            }
        }
    }

    /// Lanes below `remaining`.
    private func tailMask(_ w: inout FunctionWriter, _ remaining: String) -> String {
        let count = w.value("trunc i64 \(remaining) to i32")
        return w.value("icmp slt \(v.name(.i32)) \(v.laneNumbers), \(v.splat(&w, count, "i32"))")
    }

    // MARK: Reductions

    private func reduceInput(_ id: ElementID) -> ElementID {
        guard case .reduce(_, let x) = kernel.program[id] else { preconditionFailure("not a reduction") }
        return x
    }

    private func kind(_ id: ElementID) -> Reduction {
        guard case .reduce(let reduction, _) = kernel.program[id] else {
            preconditionFailure("not a reduction")
        }
        return reduction
    }

    private func neutral(_ id: ElementID) -> String {
        let type = elements.types[id]
        switch kind(id) {
        case .sum: return v.constant(0, type)
        case .max:
            switch type {
            case .i64: return v.vector("i64") == "i64" ? "\(Int64.min)" : "splat (i64 \(Int64.min))"
            case .i32: return v.constant(Double(Int32.min), .i32)
            case .f32, .bf16, .f16, .bool: return v.constant(-.infinity, .f32)
            }
        }
    }

    private func combine(_ w: inout FunctionWriter, _ id: ElementID, _ a: String, _ b: String) -> String {
        let type = elements.types[id]
        let t = v.name(type)
        switch kind(id) {
        case .sum: return w.value("\(type.isFloat ? "fadd" : "add") \(t) \(a), \(b)")
        case .max: return v.maximum(&w, type, a, b)
        }
    }

    private func horizontal(_ w: inout FunctionWriter, _ id: ElementID, _ x: String) -> String {
        let type = elements.types[id]
        let scalar = VectorWriter.scalarName(type)
        let suffix = "v\(lanes)\(type.isFloat ? "f32" : type.rawValue)"
        switch (kind(id), type.isFloat) {
        case (.sum, true):
            return w.value(
                "call reassoc float @llvm.vector.reduce.fadd.\(suffix)(float 0x8000000000000000, \(v.name(type)) \(x))"
            )
        case (.sum, false):
            return w.value("call \(scalar) @llvm.vector.reduce.add.\(suffix)(\(v.name(type)) \(x))")
        case (.max, true):
            return w.value("call float @llvm.vector.reduce.fmaximum.\(suffix)(\(v.name(type)) \(x))")
        case (.max, false):
            return w.value("call \(scalar) @llvm.vector.reduce.smax.\(suffix)(\(v.name(type)) \(x))")
        }
    }
}

extension RowKernel.Store {
    var valueID: ElementID {
        switch self {
        case .element(_, let id), .columnSum(_, let id): id
        }
    }

    /// Whether the store happens for each column, not once a row.
    var isPerElement: Bool {
        switch self {
        case .element(let access, _): access.hasColumns
        case .columnSum: true
        }
    }
}
