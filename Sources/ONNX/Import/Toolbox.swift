import GraphIR

// Functions that many operators are made of, written with the graph's own ops.

extension GraphBuilder {
    /// Integers brought into the range of a narrower type, as its arithmetic wraps around.
    func wrapped(_ x: Tensor, to element: ONNXElement) -> Tensor {
        guard element.wraps, let range = element.integerRange else { return x }
        let size = Double(range.upperBound - range.lowerBound + 1)
        return remainder(x - Double(range.lowerBound), scalar(size, x.type.element))
            + Double(range.lowerBound)
    }

    /// The remainder of integers with the divisor's sign, as Python's `%`.
    func remainder(_ x: Tensor, _ y: Tensor) -> Tensor {
        let rest = x - x / y * y
        let zero = scalar(0, x.type.element)
        let differs = compare(.ne, compare(.lt, rest, zero).cast(.i32), compare(.lt, y, zero).cast(.i32))
        return select(binary(.and, compare(.ne, rest, zero), differs), rest + y, rest)
    }

    /// The elements of `x` at these places of its row-major order, as a tensor of `shape`. A place of -1 gives `filler`.
    func take(_ x: Tensor, _ places: [Int], _ shape: [Dimension], filler: Double = 0) throws -> Tensor {
        let count = x.type.elementCount
        guard count.symbols.isEmpty else {
            throw ONNXError.unsupported("needs fixed extents, and its operand is \(x.type)")
        }
        guard places.count <= 1 << 22 else {
            throw ONNXError.unsupported("would need a table of \(places.count) places")
        }
        let type = TensorType(x.type.element, shape)
        if places.isEmpty || !places.contains(where: { $0 >= 0 }) { return constant(filler, type) }
        if places == Array(0..<count.factor) { return x.reshaped(shape) }
        let ids = constant(places.map { Double(max($0, 0)) }, .i32, [places.count])
        let taken = take(x, at: ids).reshaped(shape)
        guard places.contains(-1) else { return taken }
        let isInside = constant(places.map { $0 < 0 ? 0 : 1 }, .bool, [places.count]).reshaped(shape)
        return select(isInside, taken, constant(filler, type))
    }

    /// The elements of `x`, of fixed extents, at places of its row-major order that the graph computes, i32.
    func take(_ x: Tensor, at ids: Tensor) -> Tensor {
        let table = x.reshaped([.fixed(x.type.elementCount.factor), 1])
        return table.gather(ids).reshaped(ids.shape)
    }

    /// 0, 1, 2, … along an axis.
    func iota(_ element: ElementType, _ shape: [Dimension], axis: Int) -> Tensor {
        apply(.iota(type: TensorType(element, shape), axis: axis), [])
    }
}

extension Tensor {
    private var g: GraphBuilder { builder }

    func min(axes: [Int], keepDimensions: Bool) -> Tensor {
        type.element.isInteger
            // -x overflows for the lowest integer, -1 - x does not.
            ? -1 - (-1 - self).max(axes: axes, keepDimensions: keepDimensions)
            : -((-self).max(axes: axes, keepDimensions: keepDimensions))
    }

    func filled(_ value: Double) -> Tensor { g.constant(value, type) }

    func number(_ value: Double) -> Tensor { g.scalar(value, type.element) }

    func isLess(_ other: Double) -> Tensor { g.compare(.lt, self, number(other)) }
    func isGreater(_ other: Double) -> Tensor { g.compare(.gt, self, number(other)) }

    /// The whole number next to each float on the way to 0.
    func truncated() -> Tensor {
        // Floats of 2^23 and more are whole numbers; of f16 and bf16 smaller ones already.
        let whole = cast(.i32).cast(type.element)
        return g.select(abs().isLess(8_388_608), whole, self)
    }

    func floored() -> Tensor {
        let whole = truncated()
        return g.select(g.compare(.gt, whole, self), whole - 1, whole)
    }

    func ceiled() -> Tensor {
        let whole = truncated()
        return g.select(g.compare(.lt, whole, self), whole + 1, whole)
    }

    /// To the nearest whole number, and to the even one of two.
    func roundedToEven() -> Tensor {
        let below = floored()
        let rest = self - below
        let isOdd = g.compare(.ne, below, (below * 0.5).floored() * 2)
        let isUp = g.binary(
            .or, rest.isGreater(0.5), g.binary(.and, g.compare(.eq, rest, number(0.5)), isOdd))
        return g.select(isUp, below + 1, below)
    }

    /// Rounds floats up to `limit` in magnitude to one of the small float types of ONNX.
    func rounded(to element: ONNXElement, saturates: Bool) -> Tensor {
        guard let format = element.smallFloat else { return self }
        let size = abs()
        // The distance of neighbours: 2^(e - mantissa), e the exponent or the lowest one.
        var unit = filled(power(format.lowest - format.mantissa))
        var exponent = format.lowest + 1
        while power(exponent) <= format.largest {
            unit = g.select(
                g.compare(.ge, size, number(power(exponent))), filled(power(exponent - format.mantissa)), unit
            )
            exponent += 1
        }
        var result = (self / unit).roundedToEven() * unit
        let isLarge = result.abs().isGreater(format.largest)
        let isInfinite = g.compare(.eq, size, number(.infinity))
        let signed = g.select(isLess(0), filled(-format.largest), filled(format.largest))
        let beyond =
            format.hasInfinity ? g.select(isLess(0), filled(-.infinity), filled(.infinity)) : filled(.nan)
        if element == .float4e2m1 {
            return g.select(g.compare(.ne, self, self), filled(0), g.select(isLarge, signed, result))
        } else if saturates {
            result = g.select(isLarge, signed, result)
            if format.hasInfinity || element == .float8e4m3fn {
                // Infinity itself saturates as well.
                result = g.select(isInfinite, signed, result)
            }
        } else {
            result = g.select(g.binary(.or, isLarge, isInfinite), beyond, result)
        }
        return g.select(g.compare(.ne, self, self), filled(.nan), result)
    }

    /// Moves an axis to the end, and says how to move it back.
    func movingToEnd(_ axis: Int) -> (tensor: Tensor, back: [Int]) {
        let rank = shape.count
        let permutation = (0..<rank).filter { $0 != axis } + [axis]
        var back = permutation
        for (place, source) in permutation.enumerated() { back[source] = place }
        return (axis == rank - 1 ? self : transposed(permutation), back)
    }

    func movedBack(_ back: [Int]) -> Tensor { back == Array(back.indices) ? self : transposed(back) }
}

/// 2 to a whole power.
func power(_ exponent: Int) -> Double { Double(sign: .plus, exponent: exponent, significand: 1) }
