/// Instructions that give the same lanes another element type.
enum Conversion: String {
    case trunc, zext, sext, fpext, fptrunc, sitofp, uitofp, bitcast
}

// MARK: Choices, conversions, shuffles

extension FunctionWriter {
    /// All of `a` or all of `b`.
    mutating func select<V: LLVMValue>(_ condition: I1, _ a: V, _ b: V) -> V { choose(condition, a, b) }

    /// `a` in the lanes of the mask, `b` in the others.
    mutating func select<V: LLVMValue>(_ mask: Mask, _ a: V, _ b: V) -> V where V.Condition == Mask {
        precondition(mask.lanes == a.type.lanes, "a mask of \(mask.lanes) lanes for \(a)")
        return choose(mask, a, b)
    }

    private mutating func choose<V: LLVMValue>(_ condition: some LLVMValue, _ a: V, _ b: V) -> V {
        precondition(a.type == b.type, "\(a) or \(b)")
        return define(a.type, "select \(condition), \(a), \(b)")
    }

    mutating func convert<To: ScalarValue>(
        _ conversion: Conversion, _ x: some ScalarValue, to: To.Type = To.self
    ) -> To {
        convert(conversion, x, To.scalar)
    }

    mutating func convert<From, To>(
        _ conversion: Conversion, _ x: Vector<From>, to: To.Type = To.self
    ) -> Vector<To> {
        convert(conversion, x, To.scalar)
    }

    mutating func convert(_ conversion: Conversion, _ x: AnyVector, to: ScalarType) -> AnyVector {
        convert(conversion, x, to)
    }

    private mutating func convert<To: LLVMValue>(
        _ conversion: Conversion, _ x: some LLVMValue, _ to: ScalarType
    ) -> To {
        let type = x.type.with(to)
        return define(type, "\(conversion) \(x) to \(type)")
    }

    /// The same bits as a vector of other lanes, or as a scalar.
    mutating func bitcast<To: LLVMValue>(_ x: some LLVMValue, _ type: LLVMType) -> To {
        define(type, "bitcast \(x) to \(type)")
    }

    /// The lanes of both vectors, counted from those of the first on, in another order.
    mutating func shuffle<V: LLVMValue>(_ a: V, _ b: V, _ order: [Int]) -> V where V.Condition == Mask {
        precondition(a.type == b.type, "\(a) and \(b)")
        return shuffle("\(a), \(b)", order, a.type.scalar)
    }

    /// Some lanes, in another order.
    mutating func shuffle<V: LLVMValue>(_ a: V, _ order: [Int]) -> V where V.Condition == Mask {
        shuffle("\(a), \(a.type) poison", order, a.type.scalar)
    }

    private mutating func shuffle<V: LLVMValue>(_ from: String, _ order: [Int], _ scalar: ScalarType) -> V {
        define(
            LLVMType(scalar, lanes: order.count),
            "shufflevector \(from), \(Vector(order.map { I32($0) }))")
    }

    /// A number in every lane; with one lane the number itself.
    mutating func splat<Element>(_ scalar: Element, lanes: Int) -> Vector<Element> {
        guard lanes > 1 else { return Vector(text: scalar.text, lanes: 1) }
        let type = LLVMType(Element.scalar, lanes: lanes)
        let first: Vector<Element> = define(type, "insertelement \(type) poison, \(scalar), i64 0")
        return define(
            type, "shufflevector \(first), \(type) poison, <\(lanes) x i32> zeroinitializer")
    }

    /// The number of the first lane.
    mutating func first<Element>(_ x: Vector<Element>) -> Element {
        define(LLVMType(Element.scalar), "extractelement \(x), i64 0")
    }
}

// MARK: Reductions

extension FunctionWriter {
    /// The sum of all lanes, in any order.
    mutating func sum(_ x: Vector<F32>) -> F32 {
        let type = LLVMType(.float)
        return define(
            type, "call reassoc \(type) @llvm.vector.reduce.fadd.\(x.type.suffix)(\(F32(-0.0)), \(x))")
    }

    /// All lanes in one, which an LLVM intrinsic of this name makes.
    mutating func reduce(_ function: String, _ x: AnyVector) -> AnyVector {
        call("llvm.vector.reduce.\(function).\(x.type.suffix)", [x], returning: LLVMType(x.type.scalar))
    }
}
