import GraphIR
import KernelIR

/// Evaluates an element program at one place: a row, and `lanes` columns from a column on.
///
/// Values that do not vary along the columns are computed once per row as scalars and spread when a vector needs
/// them.
struct ElementWriter {
    let program: [ElementOp]
    let lanes: Int
    let vectors: VectorWriter
    let scalars: VectorWriter
    /// Type of each value.
    let types: [ElementType]
    /// Which values differ from column to column.
    let varies: [Bool]
    /// The pass over the columns after which the value exists; element values are computed in any later pass.
    let levels: [Int]

    init(program: [ElementOp], lanes: Int, precision: FunctionPrecision = .full) {
        self.program = program
        self.lanes = lanes
        vectors = VectorWriter(lanes: lanes, precision: precision)
        scalars = VectorWriter(lanes: 1, precision: precision)
        var types: [ElementType] = []
        var varies: [Bool] = []
        for op in program {
            types.append(op.type(types))
            varies.append(
                !op.isReduction && (op.variesByItself || op.operands.contains { varies[$0] }))
        }
        (self.types, self.varies, levels) = (types, varies, program.levels)
    }

    // MARK: Once a row

    /// Computes the row value `id` (and what it needs) as a scalar.
    func rowValue(
        _ w: inout FunctionWriter, _ id: ElementID, row: I64, _ known: inout [ElementID: AnyVector]
    ) -> AnyVector {
        if let value = known[id] { return value }
        for operand in program[id].operands { _ = rowValue(&w, operand, row: row, &known) }
        let context = Place(row: row, column: 0, mask: nil)
        let value = evaluate(&w, scalars, id, context, known)
        known[id] = value
        return value
    }

    /// Row values among the operands of the element values that `roots` need, spread over vectors.
    func spread(
        _ w: inout FunctionWriter, _ roots: [ElementID], row: I64, _ known: inout [ElementID: AnyVector]
    ) -> [ElementID: AnyVector] {
        var vectorsByID: [ElementID: AnyVector] = [:]
        var seen: Set<ElementID> = []
        var pending = roots
        while let id = pending.popLast() {
            guard seen.insert(id).inserted else { continue }
            if varies[id] {
                pending.append(contentsOf: program[id].operands)
            } else if case .constant(let value, let type) = program[id] {
                vectorsByID[id] = vectors.constant(value, type)
            } else {
                vectorsByID[id] = vectors.splat(&w, scalar: rowValue(&w, id, row: row, &known))
            }
        }
        return vectorsByID
    }

    // MARK: Per element

    struct Place {
        let row: I64
        let column: I64
        /// The lanes inside the row, or `nil` when all are.
        let mask: Mask?
        /// The place among vectors that share calls of the random generator.
        var group: Group?
    }

    /// Vector `part` of those of a loop round: columns `16 part ..< 16 part + 16` from a multiple of as many on as one call
    /// of the random generator serves (`Philox`).
    struct Group {
        /// What is known for all of them.
        final class Shared { fileprivate var words: [Call: [Vector<I32>]] = [:] }

        fileprivate struct Call: Hashable {
            let source: RandomSource
            let number: Int
        }

        let part: Int
        let shared: Shared

        fileprivate func words(_ call: Call, _ make: () -> [Vector<I32>]) -> [Vector<I32>] {
            if let known = shared.words[call] { return known }
            let words = make()
            shared.words[call] = words
            return words
        }
    }

    /// Computes element value `id` at `place`; `known` starts with the spread row values.
    func elementValue(
        _ w: inout FunctionWriter, _ id: ElementID, at place: Place, _ known: inout [ElementID: AnyVector]
    ) -> AnyVector {
        if let value = known[id] { return value }
        for operand in program[id].operands { _ = elementValue(&w, operand, at: place, &known) }
        let value = evaluate(&w, vectors, id, place, known)
        known[id] = value
        return value
    }

    private func evaluate(
        _ w: inout FunctionWriter, _ v: VectorWriter, _ id: ElementID, _ place: Place,
        _ known: [ElementID: AnyVector]
    ) -> AnyVector {
        func operand(_ id: ElementID) -> AnyVector {
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
            return AnyVector(columns(&w, v, place))
        case .row:
            return AnyVector(w.convert(.trunc, place.row, to: I32.self))
        case .extent(let extent):
            return AnyVector(w.extent(extent))
        case .unary(let function, let x):
            return v.unary(&w, function, operand(x), types[x])
        case .binary(let function, let a, let b):
            return v.binary(&w, function, operand(a), operand(b), types[a])
        case .compare(let comparison, let a, let b):
            return AnyVector(v.compare(&w, comparison, operand(a), operand(b)))
        case .select(let condition, let a, let b):
            return w.select(operand(condition).of(I1.self), operand(a), operand(b))
        case .cast(let x, let type):
            return v.cast(&w, operand(x), from: types[x], to: type)
        case .reduce:
            preconditionFailure("a reduction's value comes from its pass")
        case .keep(let rate, let stream, let rng):
            let source = RandomSource(rng: rng, stream: stream, vectors: 4)
            return AnyVector(v.keeps(&w, word(&w, v, source, place), rate: rate))
        case .stochasticRound(let x, let stream, let rng):
            let word = word(&w, v, RandomSource(rng: rng, stream: stream, vectors: 8), place)
            let random =
                place.group.map { v.roundingBits(&w, word, half: $0.part / 4 % 2) }
                ?? v.roundingBits(&w, word, columns: columns(&w, v, place))
            return AnyVector(v.stochasticRound(&w, operand(x).of(F32.self), random))
        }
    }

    /// The random word of each lane.
    private func word(
        _ w: inout FunctionWriter, _ v: VectorWriter, _ source: RandomSource, _ place: Place
    ) -> Vector<I32> {
        let columns = columns(&w, v, place)
        guard let group = place.group else {
            return v.randomWord(&w, source, row: place.row, columns: columns)
        }
        let call = Group.Call(source: source, number: group.part / source.vectors)
        let words = group.words(call) { v.philox(&w, source, row: place.row, columns: columns) }
        return words[group.part % words.count]
    }

    /// The number of each lane's column.
    private func columns(_ w: inout FunctionWriter, _ v: VectorWriter, _ place: Place) -> Vector<I32> {
        let base = v.splat(&w, w.convert(.trunc, place.column, to: I32.self))
        return v.lanes == 1 ? base : w.add(base, v.laneNumbers)
    }
}

extension ElementOp {
    var variesByItself: Bool {
        switch self {
        case .load(let access): access.hasColumns
        case .column, .keep, .stochasticRound: true
        case .constant, .row, .extent, .unary, .binary, .compare, .select, .cast, .reduce: false
        }
    }
}
