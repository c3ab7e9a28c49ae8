import GraphIR
import KernelIR

/// Columns `from ..< from + span`.
struct ColumnRange {
    let from: I64
    let span: I64
}

/// Writes a row program for one row, or for some of its columns: one pass over them for each level of reductions.
struct RowWriter {
    /// Where a task keeps what it adds up.
    struct Sums {
        /// Row of the column sums.
        let columns: I64
        /// Element of the totals.
        let total: I64
    }

    /// One loop over the columns.
    private struct Pass {
        /// The program in which what earlier passes stored is a load.
        let elements: ElementWriter
        let reductions: [ElementID]
        let stores: [RowProgram.Store]
    }

    let columns: Extent
    let ops: [ElementOp]
    let types: [ElementType]
    let lanes: Int
    let v: VectorWriter
    private let stores: [RowProgram.Store]
    private let elements: ElementWriter
    private let passes: [Pass]
    /// Vectors a loop round: several independent accumulators for reductions, fewer for long maps.
    private let unroll: Int
    /// Whether the vectors of a loop round share calls of the random generator.
    private let sharesWords: Bool

    /// - Parameters:
    ///   - width: columns that are written at a time, when known.
    ///   - start: what the first of them is a multiple of.
    ///   - precision: how close functions come.
    init(
        _ program: RowProgram, lanes: Int, width: Int?, start: Int = 64, precision: FunctionPrecision = .full
    ) {
        let program = program.reducingTotals
        let elements = ElementWriter(program: program.ops, lanes: lanes, precision: precision)
        columns = program.columns
        (ops, stores, self.lanes, self.elements) = (program.ops, program.stores, lanes, elements)
        (types, v) = (elements.types, elements.vectors)
        let calls = program.ops.compactMap(\.vectorsOfCall).max()
        let wanted = calls ?? (program.ops.contains(where: \.isReduction) ? 4 : 2)
        let vectors = width.map { $0 / lanes }
        unroll =
            vectors.map { count in
                [wanted, 4, 3, 2].first { $0 <= wanted && count >= $0 && count % $0 == 0 } ?? 1
            } ?? wanted
        sharesWords =
            calls == unroll && lanes == Philox.span && start % (unroll * lanes) == 0
            && width.map { $0 % (wanted * lanes) == 0 } ?? false
        passes = Self.passes(program, elements)
    }

    private static func passes(_ program: RowProgram, _ elements: ElementWriter) -> [Pass] {
        var passes: [Pass] = []
        var forwarded = program.ops
        let perElement = program.stores.filter { $0.isPerElement }
        for level in 0...(elements.levels.max() ?? 0) {
            let reductions = program.ops.indices.filter {
                if case .reduce(_, let x) = program.ops[$0] { elements.levels[x] == level } else { false }
            }
            let stores = perElement.filter { elements.levels[$0.valueID] == level }
            guard !reductions.isEmpty || !stores.isEmpty else { continue }
            let writer = ElementWriter(
                program: forwarded, lanes: elements.lanes, precision: elements.vectors.precision)
            passes.append(Pass(elements: writer, reductions: reductions, stores: stores))
            for case .element(let access, let id) in stores
            where access.element == .f32 && elements.varies[id] {
                if case .load = forwarded[id] { continue }
                forwarded[id] = .load(access)
            }
        }
        return passes
    }

    /// Sets the sums of some columns and the totals to zero.
    func clear(_ w: inout FunctionWriter, _ sums: Sums, _ range: ColumnRange) {
        for store in stores {
            switch store {
            case .element: break
            case .columnSum(let buffer, _):
                let first = w.add(w.mul(sums.columns, w.extent(columns)), range.from)
                let place = w.address(w.buffer(buffer), .float, first)
                w.clear(place, bytes: w.mul(range.span, 4))
            case .total(let buffer, _):
                w.store(F32.zero, w.address(w.buffer(buffer), .float, sums.total))
            }
        }
    }

    /// Some columns of one row.
    func write(_ w: inout FunctionWriter, row: I64, _ range: ColumnRange, _ sums: Sums) {
        var rowValues: [ElementID: AnyVector] = [:]
        for pass in passes { write(&w, pass, row: row, range, sums, &rowValues) }
        for store in stores where !store.isPerElement {
            let value = elements.rowValue(&w, store.valueID, row: row, &rowValues)
            switch store {
            case .element(let access, _):
                let place = ElementWriter.Place(row: row, column: 0, mask: nil)
                elements.store(&w, elements.scalars, access, value, place)
            case .total(let buffer, _):
                let place = w.address(w.buffer(buffer), .float, sums.total)
                let before = elements.scalars.load(&w, F32.self, place)
                w.store(w.fadd(before, value.of(F32.self)), place)
            case .columnSum: preconditionFailure("column sums are written element by element")
            }
        }
    }

    private func write(
        _ w: inout FunctionWriter, _ pass: Pass, row: I64, _ range: ColumnRange, _ sums: Sums,
        _ rowValues: inout [ElementID: AnyVector]
    ) {
        let (elements, reductions) = (pass.elements, pass.reductions)
        let inputs = reductions.map { reduceInput($0) }
        let spread = elements.spread(&w, inputs + pass.stores.map(\.valueID), row: row, &rowValues)
        let step = unroll * lanes
        // Whole rounds without masks, then vectors with a mask for what is left.
        let rounds =
            range.span.constant.map { I64($0 / step * step) }
            ?? {
                let whole = w.udiv(range.span, step)
                return w.mul(whole, step)
            }()
        let middle = w.add(range.from, rounds)
        let initial = reductions.flatMap { id in [AnyVector](repeating: neutral(id), count: unroll) }
        let partial = w.loop(from: range.from, to: middle, by: step, carrying: initial) {
            w, column, carried in
            var next = carried
            let shared = sharesWords ? ElementWriter.Group.Shared() : nil
            for part in 0..<unroll {
                let place = ElementWriter.Place(
                    row: row, column: w.add(column, part * lanes), mask: nil,
                    group: shared.map { ElementWriter.Group(part: part, shared: $0) })
                var values = spread
                for (index, id) in reductions.enumerated() {
                    let x = elements.elementValue(&w, inputs[index], at: place, &values)
                    let slot = index * unroll + part
                    next[slot] = combine(&w, id, carried[slot], x)
                }
                write(&w, pass, place, sums, &values)
            }
            return next
        }
        var accumulators = reductions.indices.map { index in
            partial[(index * unroll)..<((index + 1) * unroll)].dropFirst()
                .reduce(partial[index * unroll]) { combine(&w, reductions[index], $0, $1) }
        }
        if range.span.constant.map({ $0 % step != 0 }) ?? true {
            let to = w.add(range.from, range.span)
            accumulators = w.loop(from: middle, to: to, by: lanes, carrying: accumulators) {
                w, column, carried in
                let mask = v.mask(&w, below: w.sub(to, column))
                let place = ElementWriter.Place(row: row, column: column, mask: mask)
                var values = spread
                let next = reductions.enumerated().map { index, id in
                    let x = elements.elementValue(&w, inputs[index], at: place, &values)
                    let combined = combine(&w, id, carried[index], x)
                    return w.select(mask, combined, carried[index])
                }
                write(&w, pass, place, sums, &values)
                return next
            }
        }
        for (index, id) in reductions.enumerated() { rowValues[id] = horizontal(&w, id, accumulators[index]) }
    }

    private func write(
        _ w: inout FunctionWriter, _ pass: Pass, _ place: ElementWriter.Place, _ sums: Sums,
        _ values: inout [ElementID: AnyVector]
    ) {
        for store in pass.stores {
            let value = pass.elements.elementValue(&w, store.valueID, at: place, &values)
            switch store {
            case .element(let access, _):
                elements.store(&w, v, access, value, place)
            case .columnSum(let buffer, _):
                let access = Access.elements(buffer, .f32, columns: columns)
                let sum = ElementWriter.Place(row: sums.columns, column: place.column, mask: place.mask)
                let before = elements.load(&w, v, access, sum)
                elements.store(&w, v, access, w.fadd(before, value), sum)
            case .total: preconditionFailure("totals are added up once a row")
            }
        }
    }
}
