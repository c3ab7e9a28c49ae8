import GraphIR
import KernelIR

/// Writes the element program for values of a section: what is asked for, and what that needs.
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

    /// How a result or operand of this type stands to the rows.
    func form(_ type: TensorType) -> Form { broadcasts(type.shape, to: view.shape) ? .element : .row }

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
        return form == .row && !isNumber
            ? .rows(buffer, type.element) : view.access(type, buffer: buffer, in: section.views[value])
    }

    /// The buffer of a value that only an access can use: dropout's key, a table, row numbers.
    private func buffer(_ value: Value, of id: NodeID) throws(Stop) -> Int {
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
        case .reduction(let op): return [program.add(.reduce(op.function, try operand(x[0])))]
        case .indexing(.gather): return [try gather(x, id)]
        case .normalisation(let op): return try normalisation(op, x, id)
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

    private mutating func elementwise(
        _ op: Op.Elementwise, _ x: [Value], _ id: NodeID, _ form: Form
    ) throws(Stop) -> ElementID {
        switch op {
        case .unary(let function):
            return program.apply(function, try operand(x[0], form), section.type(x[0]).element)
        case .unaryGradient(let function):
            let dy = try operand(x[0], form)
            guard let slope = program.derivative(function, try operand(x[1], form)) else {
                throw unsupported(id, "'\(function.rawValue)' has no derivative")
            }
            return program.multiplying(dy, slope)
        case .binary(let function):
            return program.binary(function, try operand(x[0], form), try operand(x[1], form))
        case .compare(let comparison):
            return program.compare(comparison, try operand(x[0], form), try operand(x[1], form))
        case .select:
            return program.select(try operand(x[0], form), try operand(x[1], form), try operand(x[2], form))
        case .cast(let element): return program.add(.cast(try operand(x[0], form), element.computeType))
        }
    }

    private mutating func dropout(
        _ op: Op.Dropout, _ x: [Value], _ id: NodeID
    ) throws(Stop) -> ElementID {
        let keep = program.add(
            .keep(rate: op.rate, stream: section.buffer(ofStream: op.stream), rng: try buffer(x[1], of: id)))
        let scaled = program.scaling(try operand(x[0]), 1 / (1 - op.rate))
        return program.select(keep, scaled, program.constant(0))
    }

    private mutating func gather(_ x: [Value], _ id: NodeID) throws(Stop) -> ElementID {
        let table = section.type(x[0])
        var access = Access.elements(try buffer(x[0], of: id), table.element, columns: view.columns)
        access.indirection = Access.Indirection(
            ids: try buffer(x[1], of: id), rows: Extent(table.shape.prefix(1)))
        return program.load(access)
    }

    // MARK: Normalisation and losses

    private mutating func normalisation(
        _ op: Op.Normalisation, _ x: [Value], _ id: NodeID
    ) throws(Stop) -> [ElementID] {
        switch op {
        case .softmax: return [try softmax(id, section.graph[id])]
        case .softmaxGradient:
            let (dy, y) = (try operand(x[0]), try operand(x[1]))
            let total = program.sum(program.multiplying(dy, y))
            return [program.multiplying(y, program.subtracting(dy, total))]
        case .layerNorm(let epsilon):
            let input = try operand(x[0])
            let (mean, rstd) = statistics(input, epsilon)
            return [normalized(input, mean, rstd, try operand(x[1]), try operand(x[2])), mean, rstd]
        case .rowStatistics(let epsilon):
            let (mean, rstd) = statistics(try operand(x[0]), epsilon)
            return [mean, rstd]
        case .normalize:
            let input = try operand(x[0])
            let (mean, rstd) = (try operand(x[1], .row), try operand(x[2], .row))
            return [normalized(input, mean, rstd, try operand(x[3]), try operand(x[4]))]
        case .layerNormGradient: return try layerNormGradient(x)
        }
    }

    private mutating func loss(_ op: Op.Loss, _ x: [Value]) throws(Stop) -> [ElementID] {
        switch op {
        case .crossEntropy(let ignored): try crossEntropy(x, ignored)
        case .crossEntropyGradient(let ignored): [try crossEntropyGradient(x, ignored)]
        }
    }

    private mutating func softmax(_ id: NodeID, _ node: Node) throws(Stop) -> ElementID {
        var x = try operand(node.operands[0])
        var inside: ElementID?
        if node.operands.count == 2 {
            let limits = section.type(node.operands[1])
            var access = Access.rows(try buffer(node.operands[1], of: id), .i32)
            access.divisor = Extent(node.types[0].shape[limits.rank...].dropLast())
            let condition = program.compare(.lt, program.add(.column), program.load(access))
            x = program.select(condition, x, program.constant(-.infinity))
            inside = condition
        }
        var e = program.unary(.exp, program.subtracting(x, program.max(x)))
        if let inside { e = program.select(inside, e, program.constant(0)) }
        let y = program.multiplying(e, program.dividing(program.constant(1), program.sum(e)))
        guard let inside else { return y }
        return program.select(inside, y, program.constant(0))
    }

    /// The number of columns as f32.
    private mutating func width() -> ElementID {
        program.add(.cast(program.add(.extent(view.columns)), .f32))
    }

    private mutating func statistics(_ x: ElementID, _ epsilon: Double) -> (mean: ElementID, rstd: ElementID)
    {
        let width = width()
        let mean = program.dividing(program.sum(x), width)
        let centred = program.subtracting(x, mean)
        let variance = program.dividing(program.sum(program.multiplying(centred, centred)), width)
        let deviation = program.unary(.sqrt, program.adding(variance, program.constant(epsilon)))
        return (mean, program.dividing(program.constant(1), deviation))
    }

    private mutating func normalized(
        _ x: ElementID, _ mean: ElementID, _ rstd: ElementID, _ gamma: ElementID, _ beta: ElementID
    ) -> ElementID {
        let normal = program.multiplying(program.subtracting(x, mean), rstd)
        return program.adding(program.multiplying(normal, gamma), beta)
    }

    /// With x̂ = (x - mean) rstd and h = dy gamma: dx = rstd (h - mean(h) - x̂ mean(h x̂)); the other two results
    /// are what to add up over the rows for dgamma and dbeta: dy x̂ and dy.
    private mutating func layerNormGradient(_ x: [Value]) throws(Stop) -> [ElementID] {
        let (dy, input, gamma) = (try operand(x[0]), try operand(x[1]), try operand(x[2]))
        let (mean, rstd) = (try operand(x[3], .row), try operand(x[4], .row))
        let normal = program.multiplying(program.subtracting(input, mean), rstd)
        let h = program.multiplying(dy, gamma)
        let width = width()
        let meanH = program.dividing(program.sum(h), width)
        let meanHX = program.dividing(program.sum(program.multiplying(h, normal)), width)
        let centred = program.subtracting(
            program.subtracting(h, meanH), program.multiplying(normal, meanHX))
        return [program.multiplying(rstd, centred), program.multiplying(dy, normal), dy]
    }

    private mutating func crossEntropy(_ x: [Value], _ ignoreIndex: Int) throws(Stop) -> [ElementID] {
        let (logits, label) = (try operand(x[0]), try operand(x[1], .row))
        let top = program.max(logits)
        let total = program.sum(program.unary(.exp, program.subtracting(logits, top)))
        let lse = program.adding(top, program.unary(.log, total))
        let hit = program.compare(.eq, program.add(.column), label)
        let picked = program.sum(program.select(hit, logits, program.constant(0)))
        let ignored = program.compare(.eq, label, program.constant(Double(ignoreIndex), .i32))
        return [program.select(ignored, program.constant(0), program.subtracting(lse, picked)), lse]
    }

    private mutating func crossEntropyGradient(
        _ x: [Value], _ ignoreIndex: Int
    ) throws(Stop) -> ElementID {
        let (dloss, logits) = (try operand(x[0], .row), try operand(x[1]))
        let (label, lse) = (try operand(x[2], .row), try operand(x[3], .row))
        let probability = program.unary(.exp, program.subtracting(logits, lse))
        let hit = program.compare(.eq, program.add(.column), label)
        let target = program.select(hit, program.constant(1), program.constant(0))
        let ignored = program.compare(.eq, label, program.constant(Double(ignoreIndex), .i32))
        let slope = program.multiplying(program.subtracting(probability, target), dloss)
        return program.select(ignored, program.constant(0), slope)
    }

    // MARK: Optimiser

    private mutating func adamW(
        _ a: AdamWAttributes, _ x: AdamWOperands<Value>
    ) throws(Stop) -> [ElementID] {
        let (p, g) = (try operand(x.parameter), try operand(x.gradient))
        let (m, v) = (try operand(x.mean), try operand(x.square))
        let (rate, correction1) = (try operand(x.rate), try operand(x.correction1))
        let (correction2, scale) = (try operand(x.correction2), try operand(x.gradientScale))
        let gradient = program.multiplying(g, scale)
        let m2 = program.adding(program.scaling(m, a.beta1), program.scaling(gradient, 1 - a.beta1))
        let square = program.multiplying(gradient, gradient)
        let v2 = program.adding(program.scaling(v, a.beta2), program.scaling(square, 1 - a.beta2))
        let root = program.dividing(program.unary(.sqrt, v2), program.unary(.sqrt, correction2))
        let update = program.dividing(m2, program.adding(root, program.constant(a.epsilon)))
        let decay = program.subtracting(program.constant(1), program.scaling(rate, a.weightDecay))
        let step = program.multiplying(program.dividing(rate, correction1), update)
        return [program.subtracting(program.multiplying(p, decay), step), m2, v2]
    }
}
