import GraphIR
import KernelIR

extension GraphLowering {
    /// A section without contractions: one row kernel, and the sums of what its tasks leave.
    mutating func rowSection(_ section: Section, _ id: NodeID) throws(IRError) {
        let packed = packedUpdates(id)
        var builder = RowBuilder(
            section, try rowView(section, id, columnAxis: packed.isEmpty ? nil : 1),
            customKernels: customKernels)
        var sums = PartialSums(
            bufferCount: section.bufferCount + packed.count, columns: builder.view.columns)
        var stores = try stores(section.results, &builder, &sums)
        for (index, update) in packed.enumerated() {
            let value = try builder.value(section.results[update.result].value)
            stores.append(.element(update.packed.access(section.bufferCount + index), value))
        }
        let view = builder.view
        let tasks: Int
        if !sums.isEmpty, view.rows != .one {
            tasks = Machine.partialTasks
        } else {
            tasks = self.tasks(view.rows * view.columns)
        }
        let kernel = RowKernel(
            rows: view.rows, columns: view.columns, program: builder.program.ops, stores: stores, tasks: tasks
        )
        emit(
            id, section, [.rows(kernel)] + sums.phases(tasks: tasks, rows: tasks), sums, tasks: tasks,
            suffix: packed.isEmpty ? "" : "+pack", workspaces: packed.map { .packed($0.packed) })
    }

    /// The view over which all nodes of a section run, with columns from `columnAxis` on unless a node has its own.
    func rowView(_ section: Section, _ id: NodeID, columnAxis: Int? = nil) throws(IRError) -> RowView {
        do throws(IRError) {
            return try section.rowView(columnAxis: columnAxis)
        } catch {
            throw unsupported(id, error.message)
        }
    }

    /// Stores for results; sums over rows go to partial sums.
    func stores(
        _ results: [(value: Value, buffer: Int)], _ builder: inout RowBuilder, _ sums: inout PartialSums
    ) throws(IRError) -> [RowProgram.Store] {
        var stores: [RowProgram.Store] = []
        for (value, buffer) in results {
            let section = builder.section
            let type = section.type(value)
            guard section.isSumOverRows(value) else {
                let form = builder.form(value)
                let id = try builder.value(value, form)
                stores.append(.element(builder.access(value, buffer: buffer, form), id))
                continue
            }
            if case .crossRow(let axis) = section.kind(value.node) {
                let operand = section.graph[value.node].operands[0]
                let term = try builder.value(operand, builder.form(operand))
                stores.append(sums.add(term, into: buffer, type.element, isTotal: axis == 0))
            } else {
                let term = try builder.value(value)
                stores.append(sums.add(term, into: buffer, type.element, isTotal: false))
            }
        }
        return stores
    }

    /// Operands and results, but for those of the positions given; element programs hold splat constants themselves.
    private func boundBuffers(_ id: NodeID, _ section: Section, unused: Set<Int>) -> [Program.Buffer] {
        standardBuffers(id).enumerated().map { position, buffer in
            if unused.contains(position) { return .unused }
            if case .value(let value) = buffer, case .source(.constant(.splat, _)) = graph[value.node].op,
                !section.readsMemory(of: position)
            {
                return .unused
            }
            return buffer
        }
    }

    /// Binds a section's launch: operands, results and the partial sums.
    mutating func emit(
        _ id: NodeID, _ section: Section, _ phases: [Phase], _ sums: PartialSums, tasks: Int,
        suffix: String = "", workspaces: [Program.Buffer] = [], unused: Set<Int> = []
    ) {
        let partials = sums.sizes(tasks: tasks).map { workspace($0) }
        emit(
            id, phases, name: section.name + suffix,
            buffers: boundBuffers(id, section, unused: unused) + section.streams.map { .number($0) }
                + workspaces
                + partials)
    }
}

extension Section {
    /// The view over which all nodes run, with columns from `columnAxis` on unless a node, or a row that lies apart, has
    /// its own.
    func rowView(columnAxis: Int? = nil) throws(IRError) -> RowView {
        var shapes: [[Dimension]] = []
        var columnAxis = columnAxis
        for node in nodes where kind(node) != .free {
            let iteration = iteration(node)
            if !shapes.contains(iteration.shape) { shapes.append(iteration.shape) }
            if let axis = iteration.columnAxis { columnAxis = axis }
        }
        let whole = shapes.first { candidate in
            shapes.allSatisfy {
                broadcasts($0, to: candidate) || $0 == Array(candidate.prefix(columnAxis ?? 0))
            }
        }
        guard let whole else {
            throw IRError("lowering", "its nodes run over different shapes: \(shapes)")
        }
        if columnAxis == nil {
            columnAxis = views.map { $1.columnAxis + whole.count - type($0).rank }.max()
        }
        let ports = inputs.keys.map(type) + results.map { type($0.value) }
        let types = ports.filter { broadcasts($0.shape, to: whole) }
        guard let view = RowView(whole, types, columnAxis: columnAxis) else {
            throw IRError(
                "lowering", "these operands broadcast along more than two separate groups of axes")
        }
        return view
    }
}

/// Sums over rows, added up in two steps so that their order depends on the shapes only: each task leaves its own,
/// and a second phase adds those up in the order of the tasks.
struct PartialSums {
    private struct Sum {
        let partials: Int
        let target: Int
        let element: ElementType
        let isTotal: Bool
    }

    private var sums: [Sum] = []
    /// The number of the next workspace buffer.
    private var nextBuffer: Int
    private let columns: Extent

    init(bufferCount: Int, columns: Extent) {
        nextBuffer = bufferCount
        self.columns = columns
    }

    var isEmpty: Bool { sums.isEmpty }

    /// Lets `target` become the sum of `term` over the rows, or over everything.
    mutating func add(
        _ term: ElementID, into target: Int, _ element: ElementType, isTotal: Bool
    ) -> RowProgram.Store {
        let sum = Sum(partials: nextBuffer, target: target, element: element, isTotal: isTotal)
        sums.append(sum)
        nextBuffer += 1
        return isTotal ? .total(buffer: sum.partials, term) : .columnSum(buffer: sum.partials, term)
    }

    /// Elements of each workspace, when `tasks` tasks leave a total.
    func sizes(tasks: Int) -> [Extent] {
        sums.map { $0.isTotal ? .fixed(tasks) : .fixed(tasks) * columns }
    }

    /// The second step.
    /// - Parameters:
    ///   - tasks: how many totals there are.
    ///   - rows: how many rows of column sums there are.
    func phases(tasks: Int, rows: Int) -> [Phase] {
        sums.map { sum in
            var program = ElementProgram()
            if sum.isTotal {
                let all = Extent.fixed(tasks)
                let total = program.sum(program.load(.elements(sum.partials, .f32, columns: all)))
                return .rows(
                    RowKernel(
                        rows: .one, columns: all, program: program.ops,
                        stores: [.element(.scalar(sum.target, sum.element), total)], tasks: 1))
            }
            var total = program.load(.columns(sum.partials, .f32))
            for task in 1..<max(rows, 2) where task < rows {
                var access = Access.columns(sum.partials, .f32)
                access.offset = .fixed(task) * columns
                total = program.adding(total, program.load(access))
            }
            let store = RowProgram.Store.element(.elements(sum.target, sum.element, columns: columns), total)
            return .rows(
                RowKernel(rows: .one, columns: columns, program: program.ops, stores: [store], tasks: 1))
        }
    }
}
