import GraphIR
import KernelIR

/// Which slices, concatenations and reshapes move nothing, because the kernels that read or write them can take them
/// where they lie.
///
/// A slice of columns is rows of its operand at a distance; so is an operand of a concatenation, which its producer
/// then writes there. A value gets a view when everything that reads it (and, of a concatenation, what writes it) can
/// use one; otherwise it is copied, and `reasons` says why.
struct ViewPlan {
    private(set) var views: [Value: StorageView] = [:]
    private(set) var reasons: [NodeID: String] = [:]
    private let graph: Graph
    private let machine: Machine
    private let inPlaceUpdates: Set<NodeID>
    private let roots: Set<Value>
    private var readers: [Value: [NodeID]] = [:]

    init(_ graph: Graph, _ machine: Machine, inPlaceUpdates: Set<NodeID>) {
        self.graph = graph
        self.machine = machine
        self.inPlaceUpdates = inPlaceUpdates
        roots = Set(graph.roots)
        for id in graph.nodeIDs {
            if isReshape(id) { views[Value(id)] = .whole(graph[id].operands[0]) }
        }
        guard graph.nodes.contains(where: \.op.cutsAxis) else { return }
        for id in graph.nodeIDs {
            for operand in Set(graph[id].operands) { readers[operand, default: []].append(id) }
        }
        for id in graph.nodeIDs {
            guard case .shape(let op) = graph[id].op else { continue }
            switch op {
            case .slice(let axis, let start, _): planSlice(id, axis, start)
            case .concatenate(let axis): planConcatenation(id, axis)
            case .broadcast, .reshape, .transpose: break
            }
        }
    }

    // MARK: Reads

    private mutating func planSlice(_ id: NodeID, _ axis: Int, _ start: Int) {
        let operand = graph[id].operands[0]
        let result = Value(id)
        let origin = place(of: operand)
        guard
            let view = origin.slice(
                type(operand).shape, type(result).shape, axis: axis, start: start)
        else {
            reasons[id] = "its rows are parts of rows of a slice"
            return
        }
        if let reason = parameterObstacle(view, result) ?? attempt(view, result) { reasons[id] = reason }
    }

    /// A new value of a parameter is written where the old one stands, before later kernels read that.
    private func parameterObstacle(_ view: StorageView, _ value: Value) -> String? {
        guard case .source(.parameter(_, _, let role)) = graph[view.base.node].op else { return nil }
        if role == .accumulator || role == .state { return "the parameter changes while the graph runs" }
        let changes = readersThroughReshapes(value).contains(where: inPlaceUpdates.contains)
        return changes ? "it is read while parameters change" : nil
    }

    private func readersThroughReshapes(_ value: Value) -> [NodeID] {
        (readers[value] ?? []).flatMap { id -> [NodeID] in
            guard case .shape(let op) = graph[id].op, op.keepsPlaces else { return [id] }
            return [id] + readersThroughReshapes(Value(id))
        }
    }

    /// Where a value lies: its view, or the whole of itself.
    private func place(of value: Value) -> StorageView {
        guard let view = views[value] else { return .whole(value) }
        guard view.isWhole else { return view }
        let base = place(of: view.base)
        return base.isContiguous ? base : .whole(value)
    }

    /// Gives a value and its reshapes views if all of their readers can use them; else says why not.
    private mutating func attempt(_ view: StorageView, _ value: Value, writer: NodeID? = nil) -> String? {
        let before = views
        let reason =
            extend(view, value)
            ?? writer.flatMap { writeObstacle($0, value) }
        if reason != nil { views = before }
        return reason
    }

    private mutating func extend(_ view: StorageView, _ value: Value) -> String? {
        views[value] = view
        if !view.isContiguous, roots.contains(value) { return "it leaves the graph" }
        for reader in readers[value] ?? [] {
            if isReshape(reader) {
                guard let next = view.reshaped(type(value).shape, graph[reader].types[0].shape) else {
                    return "a reshape mixes its rows and columns"
                }
                if let reason = extend(next, Value(reader)) { return reason }
            } else if !view.isContiguous, let reason = readObstacle(reader, value, view) {
                return reason
            }
        }
        return nil
    }

    /// Why a node can't read rows at a distance.
    private func readObstacle(_ id: NodeID, _ value: Value, _ view: StorageView) -> String? {
        let node = graph[id]
        let positions = node.operands.indices.filter { node.operands[$0] == value }
        switch node.op {
        case .shape: return nil
        case .attention(let op):
            let at = op.positions
            guard positions.allSatisfy([at.q, at.k, at.v].contains) else {
                return "attention reads it without a distance between rows"
            }
            return view.isHeads(type(value)) ? nil : "its heads are not neighbours"
        case .source, .elementwise, .dropout, .stochasticRound, .reduction, .contraction, .normalisation,
            .quantization,
            .loss, .indexing,
            .optimizer, .fusion, .custom:
            guard runsInSection(id) else { return "'\(node.op.mnemonic)' takes its operands whole" }
            return sectionObstacle(id)
        }
    }

    /// Whether a kernel of rows, or of products and rows around them, computes a node.
    private func runsInSection(_ id: NodeID) -> Bool {
        let node = graph[id]
        switch node.op {
        case .elementwise, .dropout, .stochasticRound, .normalisation, .quantization, .loss, .optimizer,
            .custom, .reduction,
            .fusion:
            return true
        case .contraction(.matmul):
            let isLibrary = machine.usesLibraryMatmul && type(node.operands[0]).element == .f32
            return node.types[0].rank == 2 && !isLibrary
        case .indexing(.gather): return true
        case .source, .shape, .contraction, .attention, .indexing: return false
        }
    }

    /// Why the kernel of rows or products of a node can't take all of its views.
    private func sectionObstacle(_ id: NodeID) -> String? {
        let section = Section(graph, id, views: views)
        if section.nodes.contains(where: { section.kind($0) == .opaque && !section.isReshape($0) }) {
            return "'\(graph[id].op.mnemonic)' takes its operands whole"
        }
        for node in section.nodes {
            for (position, operand) in section.graph[node].operands.enumerated()
            where section.views[operand] != nil && section.graph[node].op.traits.byAddress.contains(position)
            {
                return "'\(section.graph[node].op.mnemonic)' reads it by address"
            }
        }
        for (value, _) in section.results where section.views[value] != nil && section.isSumOverRows(value) {
            return "it is a sum over rows"
        }
        if section.nodes.contains(where: { section.kind($0) == .contraction }) {
            let areMatrices = section.views.allSatisfy { value, view in
                section.type(value).rank == 2 && view.columnAxis == 1
            }
            return areMatrices ? nil : "a product reads matrices"
        }
        guard let view = try? section.rowView() else {
            return "its kernel's rows don't end where its own do"
        }
        let fits = section.views.allSatisfy { view.fits(section.type($0), columnAxis: $1.columnAxis) }
        return fits ? nil : "its kernel's rows don't end where its own do"
    }

    // MARK: Writes

    private mutating func planConcatenation(_ id: NodeID, _ axis: Int) {
        let shape = graph[id].types[0].shape
        let whole = StorageView.whole(Value(id))
        var start = 0
        for operand in graph[id].operands {
            let own = type(operand).shape
            let view = whole.slice(shape, own, axis: axis, start: start)
            start += own[axis].offset
            guard let view else { continue }
            if let reason = write(view, operand) { reasons[id] = reason }
        }
    }

    /// Lets the node that computes `value` write it where `view` says.
    private mutating func write(_ view: StorageView, _ value: Value) -> String? {
        var (view, value) = (view, value)
        while isReshape(value.node) {
            let source = graph[value.node].operands[0]
            guard let next = view.reshaped(type(value).shape, type(source).shape) else {
                return "a reshape mixes the rows and columns of an operand"
            }
            (view, value) = (next, source)
        }
        guard views[value] == nil else { return "an operand has a place already" }
        if readersThroughReshapes(value).contains(where: {
            views[Value($0)].map { $0.base == value } ?? false && !isReshape($0)
        }) {
            return "an operand is sliced as well"
        }
        return attempt(view, value, writer: value.node)
    }

    private func isReshape(_ id: NodeID) -> Bool {
        if case .shape(.reshape) = graph[id].op { true } else { false }
    }

    /// Why a node can't write where the view of its result says.
    private func writeObstacle(_ id: NodeID, _ value: Value) -> String? {
        guard let view = views[value] else { return nil }
        let node = graph[id]
        switch node.op {
        case .source(.iota), .source(.dimensionSize): return view.isContiguous ? nil : wholeResult(node)
        case .source: return "an operand has memory of its own"
        case .shape(.slice), .shape(.concatenate): return "an operand is a copy"
        case .attention(.gradient) where !view.isContiguous:
            guard value.result < 3 else { return "a gradient of a bias is written whole" }
            return view.isHeads(type(value)) ? nil : "its heads are not neighbours"
        case .elementwise, .dropout, .stochasticRound, .reduction, .shape, .contraction, .normalisation,
            .quantization,
            .attention, .loss,
            .indexing,
            .optimizer, .fusion, .custom:
            if view.isContiguous { return nil }
            return runsInSection(id) ? sectionObstacle(id) : wholeResult(node)
        }
    }

    private func wholeResult(_ node: Node) -> String { "'\(node.op.mnemonic)' writes its result whole" }

    private func type(_ value: Value) -> TensorType { graph.type(of: value) }
}

extension Op.Shape {
    /// Whether the result is rows, or parts of rows, of the operand as they lie.
    fileprivate var keepsPlaces: Bool {
        switch self {
        case .reshape, .slice: true
        case .broadcast, .transpose, .concatenate: false
        }
    }
}
