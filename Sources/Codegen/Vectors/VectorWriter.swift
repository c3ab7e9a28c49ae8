import GraphIR

/// Scalar or vector arithmetic of one width on compute types; lane-wise functions without library calls.
struct VectorWriter {
    /// 1 writes scalar code.
    let lanes: Int

    // MARK: Types and constants

    static func scalarName(_ type: ElementType) -> String {
        switch type {
        case .f32, .bf16, .f16: "float"
        case .i32: "i32"
        case .i64: "i64"
        case .bool: "i1"
        }
    }

    func name(_ type: ElementType) -> String { vector(Self.scalarName(type)) }

    func vector(_ scalar: String) -> String { lanes == 1 ? scalar : "<\(lanes) x \(scalar)>" }

    /// The suffix of overloaded intrinsics.
    var suffix: String { lanes == 1 ? "f32" : "v\(lanes)f32" }

    func constant(_ value: Double, _ type: ElementType) -> String {
        let text =
            switch type {
            case .f32, .bf16, .f16: floatConstant(value)
            case .i32, .i64: "\(Int(value))"
            case .bool: value != 0 ? "true" : "false"
            }
        return lanes == 1 ? text : "splat (\(Self.scalarName(type)) \(text))"
    }

    func float(_ value: Double) -> String { constant(value, .f32) }

    /// A bit pattern as an i32 constant of this width.
    func bits(_ value: Int) -> String { constant(Double(value), .i32) }

    func splat(_ w: inout FunctionWriter, _ scalar: String, _ type: String) -> String {
        guard lanes > 1 else { return scalar }
        let first = w.value("insertelement <\(lanes) x \(type)> poison, \(type) \(scalar), i64 0")
        return w.value(
            "shufflevector <\(lanes) x \(type)> \(first), <\(lanes) x \(type)> poison, <\(lanes) x i32> zeroinitializer"
        )
    }

    /// 0, 1, 2, … as i32.
    var laneNumbers: String {
        lanes == 1 ? "0" : "<" + (0..<lanes).map { "i32 \($0)" }.joined(separator: ", ") + ">"
    }

    /// Lanes below `count` (i64), which may lie outside 0 ... lanes.
    func mask(_ w: inout FunctionWriter, below count: String) -> String {
        let narrow = w.value("trunc i64 \(count) to i32")
        return w.value("icmp slt \(name(.i32)) \(laneNumbers), \(splat(&w, narrow, "i32"))")
    }

    // MARK: Float arithmetic

    func op(_ w: inout FunctionWriter, _ name: String, _ a: String, _ b: String) -> String {
        w.value("\(name) \(self.name(.f32)) \(a), \(b)")
    }

    func fma(_ w: inout FunctionWriter, _ a: String, _ b: String, _ c: String) -> String {
        let t = name(.f32)
        return w.value("call \(t) @llvm.fma.\(suffix)(\(t) \(a), \(t) \(b), \(t) \(c))")
    }

    func intrinsic(_ w: inout FunctionWriter, _ function: String, _ x: String) -> String {
        let t = name(.f32)
        return w.value("call \(t) @llvm.\(function).\(suffix)(\(t) \(x))")
    }

    func select(_ w: inout FunctionWriter, _ condition: String, _ type: ElementType, _ a: String, _ b: String)
        -> String
    {
        w.value("select \(vector("i1")) \(condition), \(name(type)) \(a), \(name(type)) \(b)")
    }

    func compareFloat(_ w: inout FunctionWriter, _ predicate: String, _ a: String, _ b: String) -> String {
        w.value("fcmp \(predicate) \(name(.f32)) \(a), \(b)")
    }

    func bitsOf(_ w: inout FunctionWriter, _ x: String) -> String {
        w.value("bitcast \(name(.f32)) \(x) to \(name(.i32))")
    }

    func floatOf(_ w: inout FunctionWriter, _ x: String) -> String {
        w.value("bitcast \(name(.i32)) \(x) to \(name(.f32))")
    }

    func integer(_ w: inout FunctionWriter, _ op: String, _ a: String, _ b: String) -> String {
        w.value("\(op) \(name(.i32)) \(a), \(b)")
    }

    /// Horner's rule, highest power first.
    func polynomial(_ w: inout FunctionWriter, _ coefficients: [Double], _ x: String) -> String {
        var result = float(coefficients[0])
        for coefficient in coefficients.dropFirst() { result = fma(&w, result, x, float(coefficient)) }
        return result
    }

    /// `x` within [low, high]; NaN stays NaN.
    func clamp(_ w: inout FunctionWriter, _ x: String, _ low: Double, _ high: Double) -> String {
        let above = compareFloat(&w, "ogt", x, float(high))
        let upper = select(&w, above, .f32, float(high), x)
        let below = compareFloat(&w, "olt", upper, float(low))
        return select(&w, below, .f32, float(low), upper)
    }

    // MARK: Minimum, maximum, integer division

    /// The larger element; NaN when either is.
    func maximum(_ w: inout FunctionWriter, _ type: ElementType, _ a: String, _ b: String) -> String {
        extreme(&w, type, a, b, float: "olt", integer: "slt")
    }

    /// The smaller element; NaN when either is.
    func minimum(_ w: inout FunctionWriter, _ type: ElementType, _ a: String, _ b: String) -> String {
        extreme(&w, type, a, b, float: "ogt", integer: "sgt")
    }

    private func extreme(
        _ w: inout FunctionWriter, _ type: ElementType, _ a: String, _ b: String, float: String,
        integer: String
    ) -> String {
        let t = name(type)
        guard type.isFloat else {
            return select(&w, w.value("icmp \(integer) \(t) \(a), \(b)"), type, b, a)
        }
        // The machine's instruction gives its second operand when either is NaN; that leaves a NaN in `b`.
        let ordered = select(&w, compareFloat(&w, float, a, b), type, b, a)
        return select(&w, compareFloat(&w, "uno", b, b), type, b, ordered)
    }

    /// a / b toward zero without the machine's traps: division by zero gives 0, the lowest number by -1 wraps.
    func divideIntegers(_ w: inout FunctionWriter, _ type: ElementType, _ a: String, _ b: String) -> String {
        let t = name(type)
        let (zero, one, minusOne) = (constant(0, type), constant(1, type), constant(-1, type))
        let byZero = w.value("icmp eq \(t) \(b), \(zero)")
        let byMinusOne = w.value("icmp eq \(t) \(b), \(minusOne)")
        let special = w.value("or \(vector("i1")) \(byZero), \(byMinusOne)")
        let quotient = w.value("sdiv \(t) \(a), \(select(&w, special, type, one, b))")
        let negated = w.value("sub \(t) \(zero), \(a)")
        let signed = select(&w, byMinusOne, type, negated, quotient)
        return select(&w, byZero, type, zero, signed)
    }
}
