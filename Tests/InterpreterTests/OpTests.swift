import GraphIR
import Interpreter
import Testing

/// Runs one op on literal operands and returns the values of its results.
func evaluate(
    _ op: Op, _ operands: [HostTensor], symbols: [String: Int] = [:], rounding: Bool = true
) throws -> [HostTensor] {
    let builder = GraphBuilder("op")
    let names = operands.indices.map { "x\($0)" }
    let tensors = zip(names, operands).map { builder.input($0, $1.element, $1.shape.map(Dimension.fixed)) }
    for (index, result) in builder.applyAll(op, tensors).enumerated() { builder.output("y\(index)", result) }
    let run = try Interpreter(graph: try builder.finish(), rounding: rounding).run(
        Dictionary(uniqueKeysWithValues: zip(names, operands)), symbols: symbols)
    return (0..<op.traits.results).compactMap { run.outputs["y\($0)"] }
}

func f32(_ values: [Double], _ shape: [Int]? = nil) -> HostTensor {
    HostTensor(element: .f32, shape: shape ?? [values.count], values: values)
}

func i32(_ values: [Double], _ shape: [Int]? = nil) -> HostTensor {
    HostTensor(element: .i32, shape: shape ?? [values.count], values: values)
}

func close(_ a: [Double], _ b: [Double], _ tolerance: Double = 1e-6) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($1)) || $0 == $1 }
}

@Suite("Ops: sources, element-wise, shapes, reductions")
struct OpTests {
    @Test("sources")
    func sources() throws {
        #expect(try evaluate(.constant(.splat(2.5), type: TensorType(.f32, [2])), [])[0] == f32([2.5, 2.5]))
        #expect(
            try evaluate(.constant(.dense([1, 2]), type: TensorType(.i32, [2, 1])), [])[0]
                == i32([1, 2], [2, 1]))
        #expect(
            try evaluate(.iota(type: TensorType(.i32, [2, 3]), axis: 1), [])[0]
                == i32([0, 1, 2, 0, 1, 2], [2, 3]))
        #expect(
            try evaluate(.iota(type: TensorType(.i32, [2, 3]), axis: 0), [])[0].values == [0, 0, 0, 1, 1, 1])
        let size = try evaluate(.dimensionSize(.symbol("n", scale: 2, offset: 1)), [], symbols: ["n": 4])
        #expect(size == [.scalar(9, .i64)])
    }

    /// f(-0.5), f(0), f(2), and the derivatives there; from PyTorch in float64.
    @Test(
        "unary functions and their derivatives",
        arguments: [
            (.neg, [0.5, 0, -2], [-1, -1, -1]), (.abs, [0.5, 0, 2], [-1, 0, 1]),
            (.sign, [-1, 0, 1], [0, 0, 0]),
            (.stopGradient, [-0.5, 0, 2], [0, 0, 0]),
            (.exp, [0.6065306597, 1, 7.3890560989], [0.6065306597, 1, 7.3890560989]),
            (.tanh, [-0.4621171573, 0, 0.9640275801], [0.7864477329, 1, 0.0706508249]),
            (.sigmoid, [0.3775406688, 0.5, 0.8807970780], [0.2350037122, 0.25, 0.1049935854]),
            (.erf, [-0.5204998778, 0, 0.9953222650], [0.8787825789, 1.1283791671, 0.0206669854]),
            (.sin, [-0.4794255386, 0, 0.9092974268], [0.8775825619, 1, -0.4161468365]),
            (.cos, [0.8775825619, 1, -0.4161468365], [0.4794255386, 0, -0.9092974268]),
            (.relu, [0, 0, 2], [0, 0, 1]),
            (.gelu, [-0.1542687694, 0, 1.9544997361], [0.1325048753, 0.5, 1.0852318011]),
            (.geluTanh, [-0.1542859902, 0, 1.9545976941], [0.1326300965, 0.5, 1.0860992566]),
            (.silu, [-0.1887703344, 0, 1.7615941560], [0.2600388126, 0.5, 1.0907842488]),
        ] as [(UnaryFunction, [Double], [Double])])
    func unary(function: UnaryFunction, values: [Double], derivatives: [Double]) throws {
        let x = f32([-0.5, 0, 2])
        #expect(close(try evaluate(.unary(function), [x])[0].values, values))
        let dx = try evaluate(.unaryGradient(function), [f32([3, 3, 3]), x])[0].values
        #expect(close(dx, derivatives.map { 3 * $0 }))
    }

    @Test(
        "unary functions of positive numbers, at 0.25 and 4",
        arguments: [
            (.log, [-1.3862943611, 1.3862943611], [4, 0.25]), (.sqrt, [0.5, 2], [1, 0.25]),
            (.rsqrt, [2, 0.5], [-4, -0.0625]), (.reciprocal, [4, 0.25], [-16, -0.0625]),
        ] as [(UnaryFunction, [Double], [Double])])
    func positive(function: UnaryFunction, values: [Double], derivatives: [Double]) throws {
        #expect(close(try evaluate(.unary(function), [f32([0.25, 4])])[0].values, values))
        #expect(
            close(
                try evaluate(.unaryGradient(function), [f32([1, 1]), f32([0.25, 4])])[0].values, derivatives))
    }

    @Test("gelu keeps its relative accuracy far in the negative tail")
    func geluTail() throws {
        let y = try evaluate(.unary(.gelu), [f32([-10])], rounding: false)[0].values[0]
        #expect(abs(y / -7.619853024160495e-23 - 1) < 1e-12)
    }

    @Test("NaN is not swallowed by relu, max and min")
    func nan() throws {
        #expect(try evaluate(.unary(.relu), [f32([.nan])])[0].values[0].isNaN)
        for function in [BinaryFunction.max, .min] {
            let y = try evaluate(.binary(function), [f32([.nan, 1]), f32([1, .nan])])[0].values
            #expect(y.allSatisfy { $0.isNaN })
        }
        #expect(
            try evaluate(.reduce(.max, axes: [0], keepDimensions: false), [f32([1, .nan, 2])])[0].values[0]
                .isNaN)
        #expect(try evaluate(.compare(.ne), [f32([.nan]), f32([.nan])])[0].values == [1])
    }

    @Test(
        "binary functions of (7, -2), (3, 3), (0.5, 2)",
        arguments: [
            (.add, [5, 6, 2.5]), (.sub, [9, 0, -1.5]), (.mul, [-14, 9, 1]), (.div, [-3.5, 1, 0.25]),
            (.max, [7, 3, 2]), (.min, [-2, 3, 0.5]), (.pow, [0.02040816327, 27, 0.25]),
        ] as [(BinaryFunction, [Double])])
    func binary(function: BinaryFunction, values: [Double]) throws {
        #expect(
            close(try evaluate(.binary(function), [f32([7, 3, 0.5]), f32([-2, 3, 2])])[0].values, values))
    }

    @Test(
        "binary functions of integers (7, -2), (-7, 2), (2147483647, 2) wrap around",
        arguments: [
            (.add, [5, -5, -2_147_483_647]), (.sub, [9, -9, 2_147_483_645]), (.mul, [-14, -14, -2]),
            (.div, [-3, -3, 1_073_741_823]), (.max, [7, 2, 2_147_483_647]), (.min, [-2, -7, 2]),
            (.pow, [0, 49, 1]),
        ] as [(BinaryFunction, [Double])])
    func integerBinary(function: BinaryFunction, values: [Double]) throws {
        let operands = [i32([7, -7, 2_147_483_647]), i32([-2, 2, 2])]
        #expect(try evaluate(.binary(function), operands)[0].values == values)
        #expect(try evaluate(.unary(.neg), [i32([-2_147_483_648, 5])])[0].values == [-2_147_483_648, -5])
    }

    @Test("division of integers by zero names the node and the element")
    func divisionByZero() {
        #expect(throws: InterpreterError("integer division by zero at element 1", at: "%2 = div")) {
            try evaluate(.binary(.div), [i32([1, 1]), i32([1, 0])])
        }
    }

    @Test("operands broadcast as in NumPy")
    func broadcasting() throws {
        let (column, row) = (f32([10, 20], [2, 1]), f32([1, 2, 3]))
        let sum = try evaluate(.binary(.add), [column, row])[0]
        #expect(sum == f32([11, 12, 13, 21, 22, 23], [2, 3]))
        #expect(try evaluate(.binary(.sub), [.scalar(1), row])[0].values == [0, -1, -2])
        #expect(try evaluate(.broadcast([2, 2, 1]), [column])[0] == f32([10, 20, 10, 20], [2, 2, 1]))
        let condition = HostTensor([true, false], shape: [2, 1])
        #expect(try evaluate(.select, [condition, row, .scalar(0)])[0] == f32([1, 2, 3, 0, 0, 0], [2, 3]))
    }

    @Test(
        "comparisons of (1, 2), (2, 2), (3, 2)",
        arguments: [
            (.eq, [0, 1, 0]), (.ne, [1, 0, 1]), (.lt, [1, 0, 0]), (.le, [1, 1, 0]), (.gt, [0, 0, 1]),
            (.ge, [0, 1, 1]),
        ] as [(Comparison, [Double])])
    func compare(comparison: Comparison, values: [Double]) throws {
        let result = try evaluate(.compare(comparison), [f32([1, 2, 3]), .scalar(2)])[0]
        #expect(result == HostTensor(element: .bool, shape: [3], values: values))
    }

    @Test("logic of bools")
    func logic() throws {
        let (a, b) = (HostTensor([true, true, false, false]), HostTensor([true, false, true, false]))
        #expect(try evaluate(.binary(.and), [a, b])[0].values == [1, 0, 0, 0])
        #expect(try evaluate(.binary(.or), [a, b])[0].values == [1, 1, 1, 0])
        #expect(try evaluate(.unary(.not), [a])[0].values == [0, 0, 1, 1])
    }

    @Test("casts truncate, saturate, round and wrap")
    func casts() throws {
        let x = f32([-2.75, 0, 1e10, 257])
        #expect(try evaluate(.cast(.i32), [x])[0] == i32([-2, 0, 2_147_483_647, 257]))
        #expect(try evaluate(.cast(.bf16), [x])[0].values == [-2.75, 0, 1e10.bf16, 256])
        #expect(try evaluate(.cast(.bool), [x])[0].values == [1, 0, 1, 1])
        let long = HostTensor(element: .i64, shape: [1], values: [4_294_967_299])
        #expect(try evaluate(.cast(.i32), [long])[0] == i32([3]))
        #expect(try evaluate(.cast(.f32), [HostTensor([true, false])])[0] == f32([1, 0]))
    }

    @Test("shapes: elements move without changing")
    func shapes() throws {
        let x = f32([0, 1, 2, 3, 4, 5], [2, 3])
        #expect(try evaluate(.reshape([3, 2]), [x])[0] == f32(x.values, [3, 2]))
        #expect(try evaluate(.transpose([1, 0]), [x])[0] == f32([0, 3, 1, 4, 2, 5], [3, 2]))
        let cube = f32((0..<8).map(Double.init), [2, 2, 2])
        #expect(try evaluate(.transpose([2, 0, 1]), [cube])[0].values == [0, 2, 4, 6, 1, 3, 5, 7])
        #expect(try evaluate(.slice(axis: 1, start: 1, size: 2), [x])[0] == f32([1, 2, 4, 5], [2, 2]))
        #expect(try evaluate(.slice(axis: 0, start: 1, size: 1), [x])[0] == f32([3, 4, 5], [1, 3]))
        let tail = f32([8, 9], [2, 1])
        #expect(try evaluate(.concatenate(axis: 1), [x, tail])[0] == f32([0, 1, 2, 8, 3, 4, 5, 9], [2, 4]))
        #expect(try evaluate(.concatenate(axis: 0), [x, x])[0] == f32(x.values + x.values, [4, 3]))
    }

    @Test("reductions")
    func reductions() throws {
        let x = f32([1, -2, 3, 4, 5, -6], [2, 3])
        func reduce(_ reduction: Reduction, _ axes: [Int], _ keep: Bool = false) throws -> HostTensor {
            try evaluate(.reduce(reduction, axes: axes, keepDimensions: keep), [x])[0]
        }
        #expect(try reduce(.sum, [0]) == f32([5, 3, -3]))
        #expect(try reduce(.sum, [1], true) == f32([2, 3], [2, 1]))
        #expect(try reduce(.sum, [0, 1]) == .scalar(5))
        #expect(try reduce(.max, [1]) == f32([3, 5]))
        #expect(try reduce(.max, []) == x)
        let empty = f32([], [0, 2])
        #expect(try evaluate(.reduce(.sum, axes: [0], keepDimensions: false), [empty])[0] == f32([0, 0]))
        let lowest = try evaluate(.reduce(.max, axes: [0], keepDimensions: false), [i32([], [0, 1])])[0]
        #expect(lowest == i32([-2_147_483_648]))
    }
}

extension Double {
    fileprivate var bf16: Double { ElementType.bf16.rounded(self) }
}
