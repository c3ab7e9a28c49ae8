import GraphIR
import KernelIR

// Sums and maxima over the columns: one vector an accumulator, folded once the row is through.

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

    func neutral(_ id: ElementID) -> String {
        let type = types[id]
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

    func combine(_ w: inout FunctionWriter, _ id: ElementID, _ a: String, _ b: String) -> String {
        let type = types[id]
        let t = v.name(type)
        switch kind(id) {
        case .sum: return w.value("\(type.isFloat ? "fadd" : "add") \(t) \(a), \(b)")
        case .max: return v.maximum(&w, type, a, b)
        }
    }

    func horizontal(_ w: inout FunctionWriter, _ id: ElementID, _ x: String) -> String {
        let type = types[id]
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
