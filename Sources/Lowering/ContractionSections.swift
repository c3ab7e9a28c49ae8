import GraphIR
import KernelIR
import Target

// A section with products of matrices: packing of what the products read as panels, one block kernel, and the sums
// of what its tasks leave.

extension GraphLowering {
    mutating func contractionSection(_ section: Section, _ id: NodeID) throws(IRError) {
        var writer = try ContractionWriter(section, machine)
        let kernel = try writer.kernel(self, id)
        let tasks = writer.sums.isEmpty ? 0 : kernel.taskCount
        emit(
            id, section,
            writer.packs.map(Phase.pack) + [.block(kernel)]
                + writer.sums.phases(tasks: tasks, rows: kernel.tasks),
            writer.sums, tasks: tasks,
            workspaces: writer.panels.map { panels in
                switch panels {
                case .kept(let packed): .packed(packed)
                case .working(let byteCount): workspace(byteCount: byteCount)
                }
            }, unused: writer.keptOperands)
    }
}

extension BlockKernel {
    /// Tasks, where that does not depend on symbols; kernels with totals have fixed columns.
    fileprivate var taskCount: Int { tasks * (splitsChunks ? chunkCount([:]) : 1) }
}

/// The parts of one block kernel.
private struct ContractionWriter {
    let section: Section
    let machine: Machine
    let tile: ContractionTile
    /// Matrix products of the section in order.
    let anchors: [MatrixProduct]
    let rows: Extent
    let columns: Extent
    private(set) var packs: [PackPanels] = []
    private(set) var panels: [Panels] = []
    /// Operands that are there as panels already.
    private var kept: Set<Int> = []
    /// Where the columns of a right operand begin in kept panels.
    private var firstPanels: [MatrixProduct.Operand: Int] = [:]
    private(set) var sums: PartialSums
    private var prologue: [RowProgram] = []
    /// Nodes that compute left operands.
    fileprivate let prologueNodes: Set<NodeID>
    private var scratch: [BlockKernel.Scratch] = []
    private var products: [BlockKernel.Product] = []

    /// Where the panels of a right operand are.
    enum Panels {
        /// Made by an earlier kernel, and kept.
        case kept(PackedParameter)
        /// Made by this one in a workspace.
        case working(byteCount: Extent)
    }

    /// Where a product, or a sum of products, goes.
    private struct Target {
        let sum: Value
        let buffer: Int
        let isScratch: Bool
        /// What the products leave there.
        let element: ElementType
    }

    init(_ section: Section, _ machine: Machine) throws(IRError) {
        self.section = section
        self.machine = machine
        anchors = section.nodes.compactMap { MatrixProduct(section, $0) }
        tile = machine.denseTile(section.type(anchors[0].left.value).element)
        let shape = section.graph[anchors[0].id].types[0].shape
        rows = Extent(shape.dropLast())
        columns = Extent(shape.suffix(1))
        sums = PartialSums(bufferCount: 0, columns: columns)
        let lefts = anchors.map(\.left.value).filter { section.inputs[$0] == nil }
        prologueNodes = section.ancestors(of: lefts)
    }

    /// Operands of which the kernel reads nothing but kept panels.
    var keptOperands: Set<Int> {
        kept.filter { operand in
            section.nodes.allSatisfy { id in
                section.graph[id].operands.enumerated().allSatisfy { position, value in
                    section.inputs[value] != operand || position == 1 && anchors.contains { $0.id == id }
                }
            }
        }
    }

    mutating func kernel(_ lowering: GraphLowering, _ id: NodeID) throws(IRError) -> BlockKernel {
        // Buffers: operands, results, panels, partial sums, scratch.
        var panelBuffers: [MatrixProduct.Operand: Int] = [:]
        var nextBuffer = section.bufferCount
        for right in anchors.map(\.right) where panelBuffers[right] == nil {
            panelBuffers[right] = nextBuffer
            nextBuffer += 1
            try pack(right, into: nextBuffer - 1, lowering, id)
        }
        sums = PartialSums(bufferCount: nextBuffer, columns: columns)
        var scratchBuffer = nextBuffer + section.results.count
        func newScratch() -> Int {
            defer { scratchBuffer += 1 }
            return scratchBuffer
        }

        // What comes in.
        var lefts: [MatrixProduct.Operand: MatrixAccess] = [:]
        for anchor in anchors where lefts[anchor.left] == nil {
            let (left, width) = (anchor.left, anchor.depth)
            let value = left.value
            if let buffer = section.inputs[value] {
                lefts[left] = matrix(buffer, section.rowStride(value), transposed: left.transposed)
            } else {
                let buffer = newScratch()
                scratch.append(
                    BlockKernel.Scratch(
                        buffer: buffer, shape: .rows(columns: width), element: tile.element))
                // What is computed here is not read transposed, but for the same number everywhere.
                let shape = section.type(value).shape
                try prologue(
                    value, left.transposed ? shape.reversed() : shape, width, into: buffer, lowering, id)
                lefts[left] = matrix(buffer, width, transposed: false)
            }
        }

        // Products whose results are only added up share a target: the result's own buffer, or scratch when only the
        // epilogue reads it.
        var targets: [Target] = []
        for group in section.sumGroups(anchors) {
            let result = section.results.first { $0.value == group.sum }
            let target = result?.buffer ?? newScratch()
            let element =
                result == nil ? section.scratchElement(of: group.sum) : section.type(group.sum).element
            if result == nil {
                scratch.append(BlockKernel.Scratch(buffer: target, shape: .chunk, element: element))
            }
            targets.append(
                Target(sum: group.sum, buffer: target, isScratch: result == nil, element: element))
            for (index, anchor) in group.anchors.enumerated() {
                guard let access = lefts[anchor.left], let panels = panelBuffers[anchor.right] else {
                    preconditionFailure("every product's operands were prepared")
                }
                products.append(
                    BlockKernel.Product(
                        left: access, k: anchor.depth, panels: panels,
                        firstPanel: firstPanels[anchor.right] ?? 0, target: target,
                        targetStride: section.views[group.sum]?.stride, accumulates: index > 0))
            }
        }

        let packsLeft = lefts.values.contains(where: \.isTransposed)
        let chunkPanels = products.map {
            tile.chunkPanels(machine.target.caches, depth: $0.k, packsLeft: packsLeft)
        }
        var kernel = BlockKernel(
            rows: rows, columns: columns, tile: tile, tasks: Machine.blockTasks,
            chunkPanels: chunkPanels.min(),
            splitsChunks: prologue.isEmpty, scratch: scratch, prologue: prologue, products: products,
            epilogue: nil)
        let stored = Set(targets.filter { !$0.isScratch }.map(\.sum)).union(
            section.results.map(\.value).filter { prologueNodes.contains($0.node) })
        let results = section.results.filter { !stored.contains($0.value) }
        guard !results.isEmpty else { return kernel }
        if section.needsWholeRows(besides: prologueNodes) {
            (kernel.chunkPanels, kernel.splitsChunks) = (nil, false)
        }
        try addEpilogue(&kernel, targets, results, lowering, id)
        if !sums.isEmpty { kernel.tasks = Machine.partialBlockTasks }
        // Totals need to know how many tasks there are.
        if columns.fixedValue == nil, !sums.isEmpty { kernel.splitsChunks = false }
        return kernel
    }

    private func matrix(_ buffer: Int, _ width: Extent, transposed: Bool) -> MatrixAccess {
        transposed
            ? MatrixAccess(buffer: buffer, rowStride: .one, columnStride: width)
            : MatrixAccess(buffer: buffer, rowStride: width, columnStride: .one)
    }

    // MARK: Right operands

    private mutating func pack(
        _ right: MatrixProduct.Operand, into buffer: Int, _ lowering: GraphLowering, _ id: NodeID
    ) throws(IRError) {
        let shape = section.type(right.value).shape
        let (k, n) = right.transposed ? (shape[1], shape[0]) : (shape[0], shape[1])
        let source: PackPanels.Source
        if let input = section.inputs[right.value] {
            if let (packed, firstPanel) = lowering.packed(id, operand: input, transposed: right.transposed) {
                firstPanels[right] = firstPanel
                panels.append(.kept(packed))
                kept.insert(input)
                return
            }
            source = .matrix(
                matrix(input, section.rowStride(right.value), transposed: right.transposed), tile.element)
        } else {
            guard tile.element != .i8 else {
                throw lowering.unsupported(id, "the right operand of i8 must come from outside the region")
            }
            var builder = RowBuilder(
                section, try view(of: right.value, lowering, id), customKernels: lowering.customKernels)
            let value = try builder.value(right.value)
            source = .program(builder.program.ops, value: value)
        }
        packs.append(PackPanels(source: source, k: Extent([k]), n: Extent([n]), tile: tile, panels: buffer))
        panels.append(
            .working(
                byteCount: tile.padded(Extent([n])) * tile.paddedDepth(Extent([k]))
                    * .fixed(tile.panelCellByteCount)))
    }

    // MARK: Row programs

    /// The view of what `value` needs within the section, columns being its last axis.
    private func view(of value: Value, _ lowering: GraphLowering, _ id: NodeID) throws(IRError) -> RowView {
        let types = section.inputs.keys.map(section.type)
        return try view(section.type(value).shape, types, lowering, id)
    }

    private func view(
        _ shape: [Dimension], _ types: [TensorType], _ lowering: GraphLowering, _ id: NodeID
    ) throws(IRError) -> RowView {
        let fitting = types.filter { broadcasts($0.shape, to: shape) }
        guard let view = RowView(shape, fitting, columnAxis: shape.count - 1) else {
            throw lowering.unsupported(
                id, "these operands broadcast along more than two separate groups of axes")
        }
        return view
    }

    private mutating func prologue(
        _ value: Value, _ shape: [Dimension], _ width: Extent, into buffer: Int, _ lowering: GraphLowering,
        _ id: NodeID
    ) throws(IRError) {
        let types = section.inputs.keys.map(section.type)
        var builder = RowBuilder(
            section, try view(shape, types, lowering, id), customKernels: lowering.customKernels)
        let result = try builder.value(value)
        var stores = [RowProgram.Store.element(.elements(buffer, tile.element, columns: width), result)]
        // What others need of the prologue, row statistics say, is stored on the way.
        let own = section.ancestors(of: [value])
        for (result, buffer) in section.results where own.contains(result.node) {
            let form = builder.form(result)
            stores.append(
                .element(builder.access(result, buffer: buffer, form), try builder.value(result, form)))
        }
        prologue.append(RowProgram(columns: width, ops: builder.program.ops, stores: stores))
    }

    private mutating func addEpilogue(
        _ kernel: inout BlockKernel, _ targets: [Target], _ results: [(value: Value, buffer: Int)],
        _ lowering: GraphLowering, _ id: NodeID
    ) throws(IRError) {
        let shape = section.type(targets[0].sum).shape
        let types = section.inputs.keys.map(section.type) + section.results.map { section.type($0.value) }
        var builder = RowBuilder(
            section, try view(shape, types, lowering, id), customKernels: lowering.customKernels)
        for target in targets {
            let stride =
                target.isScratch
                ? kernel.chunkStride : section.views[target.sum]?.stride ?? columns
            builder.define(target.sum, as: .elements(target.buffer, target.element, columns: stride))
        }
        var stores = try lowering.stores(results, &builder, &sums)
        if let target = targets.first, targets.count == 1, target.isScratch, target.element == .f32 {
            let access = Access.elements(target.buffer, .f32, columns: kernel.chunkStride)
            for id in try quantizedValues(&builder) {
                guard let spill = builder.program.ops.spill(id, over: access, stores) else { continue }
                stores.append(spill)
            }
        }
        kernel.epilogue = RowProgram(columns: columns, ops: builder.program.ops, stores: stores)
    }
}

extension ContractionWriter {
    /// What the epilogue quantises, whose rows are read twice.
    fileprivate func quantizedValues(_ builder: inout RowBuilder) throws(IRError) -> [ElementID] {
        var ids: [ElementID] = []
        for id in section.nodes where !prologueNodes.contains(id) && section.graph[id].op == .quantize {
            ids.append(try builder.value(section.graph[id].operands[0]))
        }
        return ids
    }
}

extension [ElementOp] {
    /// A store of the value `id` in the place of what `access` loads, so that later passes over the row need not compute it again;
    /// `nil` where it is stored anyway, or where a later pass still needs what was there.
    fileprivate func spill(
        _ id: ElementID, over access: Access, _ stores: [RowProgram.Store]
    ) -> RowProgram.Store? {
        let levels = levels
        var needsAccess = [Bool](repeating: false, count: count)
        for (index, op) in enumerated() where index != id {
            needsAccess[index] = op == .load(access) || op.operands.contains { needsAccess[$0] }
        }
        for store in stores {
            let value: ElementID
            switch store {
            case .element(let other, let stored):
                if stored == id, other.element == .f32 { return nil }
                value = stored
            case .columnSum(_, let stored), .total(_, let stored): value = stored
            }
            if levels[value] > levels[id], needsAccess[value] { return nil }
        }
        return .element(access, id)
    }
}

/// A product of two matrices in a section.
private struct MatrixProduct {
    /// An operand as a product reads it; products that read the same one on the right share its panels.
    struct Operand: Hashable {
        let value: Value
        let transposed: Bool
    }

    let id: NodeID
    let left: Operand
    let right: Operand
    let depth: Extent

    init?(_ section: Section, _ id: NodeID) {
        guard section.kind(id) == .contraction,
            case .contraction(.matmul(let transposeLeft, let transposeRight)) = section.graph[id].op
        else { return nil }
        let operands = section.graph[id].operands
        self.id = id
        left = Operand(value: operands[0], transposed: transposeLeft)
        right = Operand(value: operands[1], transposed: transposeRight)
        let shape = section.type(left.value).shape
        depth = Extent([shape[shape.count - (transposeLeft ? 2 : 1)]])
    }
}

extension Section {
    /// Elements from the start of a matrix's row to that of the next one.
    fileprivate func rowStride(_ value: Value) -> Extent {
        views[value]?.stride ?? Extent(type(value).shape.suffix(1))
    }

    /// Products by the sum that they add up to: `add` nodes of products that nothing else reads, else each by
    /// itself.
    fileprivate func sumGroups(_ anchors: [MatrixProduct]) -> [(sum: Value, anchors: [MatrixProduct])] {
        var groups = anchors.map { (sum: Value($0.id), anchors: [$0]) }
        // A lone product's graph is the whole one, whose uses take long to count.
        guard nodes.count > anchors.count else { return groups }
        let uses = graph.useCounts()
        for id in nodes {
            // Sums of i8 are not added up in memory.
            guard case .elementwise(.binary(.add)) = graph[id].op, type(Value(id)).element.isFloat,
                graph[id].operands[0] != graph[id].operands[1]
            else {
                continue
            }
            let parts = graph[id].operands.map { operand in groups.firstIndex { $0.sum == operand } }
            guard let left = parts[0], let right = parts[1],
                graph[id].operands.allSatisfy({ uses[$0] == 1 })
            else { continue }
            groups[left] = (Value(id), groups[left].anchors + groups[right].anchors)
            groups.remove(at: right)
        }
        return groups
    }

    /// What a product that only the epilogue reads leaves in scratch memory: i32 sums as f32 where that is what they become.
    fileprivate func scratchElement(of sum: Value) -> ElementType {
        let readers = nodes.filter { graph[$0].operands.contains(sum) }
        let areScaled = readers.allSatisfy { graph[$0].op == .dequantize && graph[$0].operands[0] == sum }
        return areScaled ? .f32 : type(sum).element
    }

    /// Whether a result that is not part of the left operands needs whole rows.
    fileprivate func needsWholeRows(besides prologue: Set<NodeID>) -> Bool {
        ancestors(of: results.map(\.value).filter { !prologue.contains($0.node) }).contains { id in
            if case .row = kind(id), !prologue.contains(id) { true } else { false }
        }
    }

    /// The section's nodes that the values need, their own among them.
    fileprivate func ancestors(of values: [Value]) -> Set<NodeID> {
        var needed = Set(values.map(\.node))
        for id in nodes.reversed() where needed.contains(id) {
            for operand in graph[id].operands { needed.insert(operand.node) }
        }
        return needed.intersection(nodes)
    }
}
