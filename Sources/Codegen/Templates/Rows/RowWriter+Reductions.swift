import GraphIR
import KernelIR

// Sums and maxima over the columns: one vector per accumulator, folded into a number at the end of the row.

extension RowWriter {
    func reduceInput(_ id: ElementID) -> ElementID {
        guard case .reduce(_, let x) = ops[id] else { preconditionFailure("not a reduction") }
        return x
    }

    private func kind(_ id: ElementID) -> Reduction {
        guard case .reduce(let reduction, _) = ops[id] else {
            preconditionFailure("not a reduction")
        }
        return reduction
    }

    func neutral(_ id: ElementID) -> AnyVector {
        let type = types[id]
        switch kind(id) {
        case .sum: return v.constant(0, type)
        case .max:
            switch type {
            case .i64: return AnyVector(Vector(repeating: I64(Int64.min), lanes: lanes))
            case .i8, .i32: return AnyVector(v.bits(Int(Int32.min)))
            case .f32, .bf16, .f16, .bool: return AnyVector(v.float(-.infinity))
            }
        }
    }

    func combine(_ w: inout FunctionWriter, _ id: ElementID, _ a: AnyVector, _ b: AnyVector) -> AnyVector {
        switch kind(id) {
        case .sum: return types[id].isFloat ? w.fadd(a, b) : w.add(a, b)
        case .max: return v.maximum(&w, a, b)
        }
    }

    /// All lanes in one.
    func horizontal(_ w: inout FunctionWriter, _ id: ElementID, _ x: AnyVector) -> AnyVector {
        switch (kind(id), types[id].isFloat) {
        case (.sum, true): AnyVector(w.sum(x.of(F32.self)))
        case (.sum, false): w.reduce("add", x)
        case (.max, true): w.reduce("fmaximum", x)
        case (.max, false): w.reduce("smax", x)
        }
    }
}
