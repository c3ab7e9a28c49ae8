import GraphIR
import KernelIR

/// Writes the element program for values of a section: what is asked for, and what that needs. The steps of an op are in
/// its family's file.
///
/// A value has an element for each row and column of the view, or one per row; either way the program holds one id
/// for it.
struct RowBuilder {
    let section: Section
    let view: RowView
    let customKernels: [CustomKernel]
    var program = ElementProgram()
    /// Values that are there without being computed: loads of what another stage of the kernel left, say.
    private var known: [Value: ElementID] = [:]

    init(_ section: Section, _ view: RowView, customKernels: [CustomKernel]) {
        self.section = section
        self.view = view
        self.customKernels = customKernels
    }

    /// Lets `value` be what `access` loads.
    mutating func define(_ value: Value, as access: Access) { known[value] = program.load(access) }

    // MARK: Values

    enum Form {
        /// Broadcasts to the view's shape.
        case element
        /// One a row.
        case row
    }

    /// How a result or operand stands to the rows.
    func form(_ value: Value) -> Form {
        let type = section.type(value)
        // A row op's numbers for rows may have the shape of its columns.
        if section.nodes.contains(value.node), section.iteration(value.node).hasNumberForEachRow(type) {
            return .row
        }
        return broadcasts(type.shape, to: view.shape) ? .element : .row
    }

    /// Why a node can't be computed, or not yet.
    enum Stop: Error {
        case missing(Value, Form)
        case refused(IRError)
    }

    /// The program's id for `value`. What that needs is computed first, without recursion, since a region may be a long
    /// chain: a node stops where it finds an operand missing and starts again when it is there, and finds the steps that
    /// it had written.
    mutating func value(_ value: Value, _ form: Form = .element) throws(IRError) -> ElementID {
        var pending = [(value, form)]
        while let (next, form) = pending.last {
            do throws(Stop) {
                if known(next, form) == nil {
                    for (result, id) in try compute(next.node, form).enumerated() {
                        known[Value(next.node, result: result)] = id
                    }
                }
                pending.removeLast()
            } catch {
                switch error {
                case .missing(let operand, let form): pending.append((operand, form))
                case .refused(let error): throw error
                }
            }
        }
        guard let id = known[value] else {
            preconditionFailure("a node's results are known once it is computed")
        }
        return id
    }

    /// The id of a value that is there, or can be without computing anything.
    private mutating func known(_ value: Value, _ form: Form) -> ElementID? {
        if let id = known[value] { return id }
        let id: ElementID
        if let number = section.splat(value) {
            id = program.constant(number, section.type(value).element.computeType)
        } else if let buffer = section.inputs[value] {
            id = program.load(access(value, buffer: buffer, form))
        } else {
            return nil
        }
        known[value] = id
        return id
    }

    /// The id of an operand of the node that is being computed.
    mutating func operand(_ value: Value, _ form: Form = .element) throws(Stop) -> ElementID {
        guard let id = known(value, form) else { throw .missing(value, form) }
        return id
    }

    /// Where an operand or result of the section is.
    func access(_ value: Value, buffer: Int, _ form: Form) -> Access {
        let type = section.type(value)
        // One number, of whatever rank, is the same in every row.
        let isNumber = type.shape.allSatisfy { $0 == 1 }
        guard form == .row, !isNumber else {
            return view.access(type, buffer: buffer, in: section.views[value])
        }
        return view.rowAccess(type, buffer: buffer)
    }

    /// The buffer of a value that only an access can use: dropout's key, a table, row numbers.
    func buffer(_ value: Value, of id: NodeID) throws(Stop) -> Int {
        guard let buffer = section.inputs[value] else {
            throw unsupported(id, "an operand must come from outside the region")
        }
        return buffer
    }

    private mutating func compute(_ id: NodeID, _ form: Form) throws(Stop) -> [ElementID] {
        let node = section.graph[id]
        let x = node.operands
        switch node.op {
        case .source(.dimensionSize(let dimension)): return [program.add(.extent(Extent([dimension])))]
        case .elementwise(let op): return [try elementwise(op, x, id, form)]
        // A reshaped number inside a region is the same in every element.
        case .shape(.broadcast), .shape(.reshape): return [try operand(x[0], form)]
        case .dropout(let op): return [try dropout(op, x, id)]
        case .stochasticRound(let op): return [try stochasticRound(op, x, id)]
        case .reduction(let op): return [program.add(.reduce(op.function, try operand(x[0])))]
        case .indexing(.gather): return [try gather(x, id)]
        case .normalisation(let op): return try normalisation(op, x, id)
        case .quantization(let op): return try quantization(op, x)
        case .loss(let op): return try loss(op, x)
        case .optimizer(.adamW(let attributes)): return try adamW(attributes, AdamWOperands(x))
        case .custom(let op): return [try custom(op, id, form)]
        case .source, .shape, .contraction, .attention, .indexing, .fusion:
            throw unsupported(id, "'\(node.op.mnemonic)' is not computed row by row")
        }
    }

    func unsupported(_ id: NodeID, _ what: String) -> Stop {
        .refused(IRError("lowering", what, at: section.graph.place(id)))
    }
}
