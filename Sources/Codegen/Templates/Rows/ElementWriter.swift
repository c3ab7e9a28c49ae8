import GraphIR
import KernelIR

/// Evaluates an element program at one place: a row, and `lanes` columns from a column on.
///
/// Values that do not vary along the columns are computed once a row as scalars and spread when a vector needs
/// them.
struct ElementWriter {
    let program: [ElementOp]
    let lanes: Int
    let vectors: VectorWriter
    let scalars = VectorWriter(lanes: 1)
    /// Type of each value.
    let types: [ElementType]
    /// Which values differ from column to column.
    let varies: [Bool]
    /// The pass over the columns after which the value exists; element values are computed in any later pass.
    let levels: [Int]

    init(program: [ElementOp], lanes: Int) {
        self.program = program
        self.lanes = lanes
        vectors = VectorWriter(lanes: lanes)
        var types: [ElementType] = []
        var varies: [Bool] = []
        var levels: [Int] = []
        for op in program {
            let operands = op.operands
            types.append(op.type(types))
            let level = operands.map { levels[$0] }.max() ?? 0
            if case .reduce = op {
                varies.append(false)
                levels.append(level + 1)
            } else {
                varies.append(op.variesByItself || operands.contains { varies[$0] })
                levels.append(level)
            }
        }
        (self.types, self.varies, self.levels) = (types, varies, levels)
    }

    // MARK: Once a row

    /// Computes the row value `id` (and what it needs) as a scalar.
    func rowValue(_ w: inout FunctionWriter, _ id: ElementID, row: String, _ known: inout [ElementID: String])
        -> String
    {
        if let value = known[id] { return value }
        for operand in program[id].operands { _ = rowValue(&w, operand, row: row, &known) }
        let context = Place(row: row, column: "0", mask: nil)
        let value = evaluate(&w, scalars, id, context, known)
        known[id] = value
        return value
    }

    /// Row values among the operands of the element values that `roots` need, spread over vectors.
    func spread(
        _ w: inout FunctionWriter, _ roots: [ElementID], row: String, _ known: inout [ElementID: String]
    ) -> [ElementID: String] {
        var vectorsByID: [ElementID: String] = [:]
        var seen: Set<ElementID> = []
        var pending = roots
        while let id = pending.popLast() {
            guard seen.insert(id).inserted else { continue }
            if varies[id] {
                pending.append(contentsOf: program[id].operands)
            } else if case .constant(let value, let type) = program[id] {
                vectorsByID[id] = vectors.constant(value, type)
            } else {
                let scalar = rowValue(&w, id, row: row, &known)
                vectorsByID[id] = vectors.splat(&w, scalar, VectorWriter.scalarName(types[id]))
            }
        }
        return vectorsByID
    }

    // MARK: Per element

    struct Place {
        let row: String
        let column: String
        /// The lanes inside the row, or `nil` when all are.
        let mask: String?
        /// The place among four vectors that share dropout's random words.
        var group: Group?
    }

    /// Vector `part` of the four that one call of the random generator serves: columns `16 part ..< 16 part + 16`
    /// from a multiple of 64 on (`Philox`).
    struct Group {
        /// What is known for all four.
        final class Shared { fileprivate var words: [[Int]: [String]] = [:] }

        let part: Int
        let shared: Shared

        fileprivate func words(rng: Int, stream: Int, _ make: () -> [String]) -> [String] {
            if let known = shared.words[[rng, stream]] { return known }
            let words = make()
            shared.words[[rng, stream]] = words
            return words
        }
    }

    /// Computes element value `id` at `place`; `known` starts with the spread row values.
    func elementValue(
        _ w: inout FunctionWriter, _ id: ElementID, at place: Place, _ known: inout [ElementID: String]
    ) -> String {
        if let value = known[id] { return value }
        for operand in program[id].operands { _ = elementValue(&w, operand, at: place, &known) }
        let value = evaluate(&w, vectors, id, place, known)
        known[id] = value
        return value
    }

    private func evaluate(
        _ w: inout FunctionWriter, _ v: VectorWriter, _ id: ElementID, _ place: Place,
        _ known: [ElementID: String]
    ) -> String {
        func operand(_ id: ElementID) -> String {
            guard let value = known[id] else {
                preconditionFailure("operands are computed before their users")
            }
            return value
        }
        switch program[id] {
        case .load(let access):
            return load(&w, v, access, place)
        case .constant(let value, let type):
            return v.constant(value, type)
        case .column:
            let base = w.value("trunc i64 \(place.column) to i32")
            return v.lanes == 1 ? base : v.integer(&w, "add", v.splat(&w, base, "i32"), v.laneNumbers)
        case .row:
            return w.value("trunc i64 \(place.row) to i32")
        case .extent(let extent):
            return w.extent(extent)
        case .unary(let function, let x):
            return unary(&w, v, function, operand(x), types[x])
        case .binary(let function, let a, let b):
            return binary(&w, v, function, operand(a), operand(b), types[a])
        case .compare(let comparison, let a, let b):
            return compare(&w, v, comparison, operand(a), operand(b), types[a])
        case .select(let condition, let a, let b):
            return v.select(&w, operand(condition), types[a], operand(a), operand(b))
        case .cast(let x, let type):
            return cast(&w, v, operand(x), from: types[x], to: type)
        case .reduce:
            preconditionFailure("a reduction's value comes from its pass")
        case .keep(let rate, let stream, let rng):
            let base = w.value("trunc i64 \(place.column) to i32")
            let columns = v.integer(&w, "add", v.splat(&w, base, "i32"), v.laneNumbers)
            guard let group = place.group else {
                return v.keepMask(&w, rng: rng, rate: rate, stream: stream, row: place.row, columns: columns)
            }
            let words = group.words(rng: rng, stream: stream) {
                v.philox(&w, rng: rng, stream: stream, row: place.row, columns: columns)
            }
            return v.keeps(&w, words[group.part], rate: rate)
        }
    }

    private func unary(
        _ w: inout FunctionWriter, _ v: VectorWriter, _ function: ElementUnary, _ x: String,
        _ type: ElementType
    ) -> String {
        let t = v.name(type)
        let zero = v.constant(0, type)
        switch function {
        case .neg: return type.isFloat ? w.value("fneg \(t) \(x)") : w.value("sub \(t) \(zero), \(x)")
        case .abs:
            if type.isFloat { return v.intrinsic(&w, "fabs", x) }
            let negated = w.value("sub \(t) \(zero), \(x)")
            return v.select(&w, w.value("icmp slt \(t) \(x), \(zero)"), type, negated, x)
        case .sign:
            let predicates = type.isFloat ? ("fcmp ogt", "fcmp olt") : ("icmp sgt", "icmp slt")
            let above = w.value("\(predicates.0) \(t) \(x), \(zero)")
            let below = w.value("\(predicates.1) \(t) \(x), \(zero)")
            let upper = v.select(&w, above, type, v.constant(1, type), zero)
            return v.select(&w, below, type, v.constant(-1, type), upper)
        case .exp: return v.exp(&w, x)
        case .log: return v.log(&w, x)
        case .sqrt: return v.intrinsic(&w, "sqrt", x)
        case .tanh: return v.tanh(&w, x)
        case .erf: return v.erf(&w, x)
        case .not: return w.value("xor \(t) \(x), \(v.constant(1, .bool))")
        }
    }

    private func binary(
        _ w: inout FunctionWriter, _ v: VectorWriter, _ function: BinaryFunction, _ a: String, _ b: String,
        _ type: ElementType
    ) -> String {
        let t = v.name(type)
        func arithmetic(_ float: String, _ integer: String) -> String {
            w.value("\(type.isFloat ? float : integer) \(t) \(a), \(b)")
        }
        switch function {
        case .add: return arithmetic("fadd", "add")
        case .sub: return arithmetic("fsub", "sub")
        case .mul: return arithmetic("fmul", "mul")
        case .div: return type.isFloat ? v.op(&w, "fdiv", a, b) : v.divideIntegers(&w, type, a, b)
        case .max: return v.maximum(&w, type, a, b)
        case .min: return v.minimum(&w, type, a, b)
        case .pow: return v.pow(&w, a, b)
        case .and: return w.value("and \(t) \(a), \(b)")
        case .or: return w.value("or \(t) \(a), \(b)")
        }
    }

    private func compare(
        _ w: inout FunctionWriter, _ v: VectorWriter, _ comparison: Comparison, _ a: String, _ b: String,
        _ type: ElementType
    ) -> String {
        let predicate =
            switch comparison {
            case .eq: type.isFloat ? "fcmp oeq" : "icmp eq"
            case .ne: type.isFloat ? "fcmp une" : "icmp ne"
            case .lt: type.isFloat ? "fcmp olt" : "icmp slt"
            case .le: type.isFloat ? "fcmp ole" : "icmp sle"
            case .gt: type.isFloat ? "fcmp ogt" : "icmp sgt"
            case .ge: type.isFloat ? "fcmp oge" : "icmp sge"
            }
        return w.value("\(predicate) \(v.name(type)) \(a), \(b)")
    }

    private func cast(
        _ w: inout FunctionWriter, _ v: VectorWriter, _ x: String, from: ElementType, to: ElementType
    ) -> String {
        let (source, target) = (v.name(from), v.name(to))
        switch (from.computeType, to.computeType) {
        case (let a, let b) where a == b: return x
        case (.f32, .bool): return w.value("fcmp une \(source) \(x), \(v.constant(0, .f32))")
        case (_, .bool): return w.value("icmp ne \(source) \(x), \(v.constant(0, from))")
        case (.bool, .f32): return w.value("uitofp \(source) \(x) to \(target)")
        case (.bool, _): return w.value("zext \(source) \(x) to \(target)")
        case (.f32, let integer):
            // Saturates; NaN gives 0.
            let suffix = v.lanes == 1 ? integer.rawValue : "v\(v.lanes)\(integer.rawValue)"
            return w.value("call \(target) @llvm.fptosi.sat.\(suffix).\(v.suffix)(\(source) \(x))")
        case (_, .f32): return w.value("sitofp \(source) \(x) to \(target)")
        case (.i32, _): return w.value("sext \(source) \(x) to \(target)")
        default: return w.value("trunc \(source) \(x) to \(target)")
        }
    }
}

extension ElementOp {
    var variesByItself: Bool {
        switch self {
        case .load(let access): access.hasColumns
        case .column, .keep: true
        case .constant, .row, .extent, .unary, .binary, .compare, .select, .cast, .reduce: false
        }
    }
}
