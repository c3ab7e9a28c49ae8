import GraphIR

/// Shape arithmetic: nodes whose operands are known when the graph is compiled, extents with symbols among them, become known
/// numbers. What can't be said as such stays a node of the graph.
enum KnownArithmetic {
    /// More elements than this are left to the graph.
    private static let limit = 1 << 16

    static func fold(_ site: NodeSite) throws -> [ImportedValue]? {
        guard site.node.domain.isEmpty else { return nil }
        if site.op == "Shape" || site.op == "Size" { return try sizes(site).map { [site.value($0)] } }
        let inputs = site.inputs.map { $0?.known }
        guard !inputs.isEmpty, zip(inputs, site.inputs).allSatisfy({ $0 != nil || $1 == nil }),
            inputs.allSatisfy({ ($0?.values.count ?? 0) <= limit })
        else { return nil }
        guard let result = try result(site, inputs), result.values.count <= limit else { return nil }
        return [site.value(result)]
    }

    /// `Shape` and `Size`, which ask for no numbers.
    private static func sizes(_ site: NodeSite) throws -> KnownTensor? {
        let shape = try site.input(0).shape
        guard try site.input(0).base == nil else {
            throw ONNXError.unsupported("asks for an extent that can't be said with one symbol")
        }
        if site.op == "Size" {
            let product = shape.reduce(Scalar.int(1) as Scalar?) { product, extent in
                product.flatMap { multiplied($0, Scalar(extent)) }
            }
            return product.map { KnownTensor(.int64, [], [$0]) }
        }
        func bound(_ value: Int) -> Int { max(0, min(shape.count, value < 0 ? value + shape.count : value)) }
        let start = bound(try site.int("start", 0))
        let end = bound(try site.int("end", shape.count))
        let part = start < end ? Array(shape[start..<end]) : []
        return KnownTensor(.int64, [part.count], part.map { Scalar($0) })
    }

    private static func result(_ site: NodeSite, _ inputs: [KnownTensor?]) throws -> KnownTensor? {
        func operand(_ index: Int) -> KnownTensor? { inputs.indices.contains(index) ? inputs[index] : nil }
        guard let x = operand(0) else { return nil }
        switch site.op {
        case "Identity": return x
        case "Cast", "CastLike":
            guard let to = try site.op == "Cast" ? site.elementType("to") : operand(1)?.element else {
                return nil
            }
            return cast(x, to)
        case "Neg": return map(x) { multiplied($0, .int(-1)) }
        case "Abs":
            return map(x) { value in
                switch value {
                case .int(let value): value == .min ? nil : .int(Swift.abs(value))
                case .float(let value): .float(Swift.abs(value))
                case .extent: value
                }
            }
        case "Floor": return map(x) { $0.number.map { .float($0.rounded(.down)) } }
        case "Ceil": return map(x) { $0.number.map { .float($0.rounded(.up)) } }
        case "Sqrt": return map(x) { $0.number.map { .float(x.element.rounded($0.squareRoot())) } }
        case "Not": return map(x) { $0.int.map { .int($0 == 0 ? 1 : 0) } }
        case "Add", "Sub", "Mul", "Div", "Min", "Max", "Mod", "And", "Or", "Equal", "Less", "Greater",
            "LessOrEqual", "GreaterOrEqual":
            return try binary(site, inputs)
        case "Where":
            guard let a = operand(1), let b = operand(2),
                let shape = broadcast(broadcast(x.shape, a.shape), b.shape)
            else { return nil }
            let (conditions, left, right) = (expanded(x, shape), expanded(a, shape), expanded(b, shape))
            var values: [Scalar] = []
            for (index, condition) in conditions.enumerated() {
                guard let condition = condition.int else { return nil }
                values.append(condition != 0 ? left[index] : right[index])
            }
            return KnownTensor(a.element, shape, values)
        case "Reshape", "Squeeze", "Unsqueeze", "Flatten":
            guard let shape = try Shapes.reshaped(site, x.shape.map(Dimension.fixed)) else { return nil }
            let extents = shape.compactMap(\.fixedExtent)
            guard extents.count == shape.count, extents.reduce(1, *) == x.values.count else { return nil }
            return KnownTensor(x.element, extents, x.values)
        case "Gather": return try gather(site, x, operand(1))
        case "Concat":
            let parts = inputs.compactMap { $0 }
            guard parts.count == inputs.count, parts.allSatisfy({ $0.shape.count == 1 }) else { return nil }
            return KnownTensor(x.element, [parts.reduce(0) { $0 + $1.values.count }], parts.flatMap(\.values))
        case "Slice":
            guard x.shape.count == 1, site.opset >= 10, let starts = operand(1)?.ints,
                let ends = operand(2)?.ints,
                starts.count == 1, ends.count == 1
            else { return nil }
            let step = operand(4)?.ints?.first ?? 1
            guard step != 0 else { return nil }
            let places = sliceIndices(x.values.count, start: starts[0], end: ends[0], step: step)
            return KnownTensor(x.element, [places.count], places.map { x.values[$0] })
        case "Expand":
            guard let target = operand(1)?.ints, target.allSatisfy({ $0 >= 0 }),
                let shape = broadcast(x.shape, target),
                shape.reduce(1, *) <= limit
            else { return nil }
            return KnownTensor(x.element, shape, expanded(x, shape))
        case "ConstantOfShape":
            guard let shape = x.ints, shape.allSatisfy({ $0 >= 0 }),
                shape.reduce(1, { $0 &* max($1, 1) }) <= 1024
            else { return nil }
            let filler = try Shapes.filler(site)
            return KnownTensor(
                filler.element, shape, Array(repeating: filler.values[0], count: shape.reduce(1, *)))
        case "Range":
            guard x.element.isInteger, let start = x.ints?.first, let end = operand(1)?.ints?.first,
                let step = operand(2)?.ints?.first, step != 0
            else { return nil }
            let count = (Double(end) - Double(start)) / Double(step)
            guard count <= Double(limit) else { return nil }
            return KnownTensor(
                x.element, [Int(max(0, count).rounded(.up))],
                (0..<Int(max(0, count).rounded(.up))).map { .int(start + $0 * step) })
        case "ReduceProd", "ReduceSum", "ReduceMax", "ReduceMin":
            guard x.shape.count == 1, x.element.isInteger, !x.values.isEmpty else { return nil }
            if site.has(1), try site.known(1, "axes").ints?.map({ $0 < 0 ? $0 + 1 : $0 }) != [0] {
                return nil
            }
            var total = x.values[0]
            for value in x.values.dropFirst() {
                let next: Scalar?
                switch site.op {
                case "ReduceProd": next = multiplied(total, value)
                case "ReduceSum": next = added(total, value)
                case "ReduceMax": next = arithmetic("Max", total, value)
                default: next = arithmetic("Min", total, value)
                }
                guard let next else { return nil }
                total = next
            }
            return KnownTensor(x.element, try site.flag("keepdims", true) ? [1] : [], [total])
        default: return nil
        }
    }

    // MARK: Element by element

    private static func map(_ x: KnownTensor, _ function: (Scalar) -> Scalar?) -> KnownTensor? {
        let values = x.values.compactMap(function)
        return values.count == x.values.count ? KnownTensor(x.element, x.shape, values) : nil
    }

    private static func cast(_ x: KnownTensor, _ to: ONNXElement) -> KnownTensor? {
        if to.isInteger {
            let values = x.values.compactMap { value -> Scalar? in
                switch value {
                case .extent: return to == .int64 || to == .int32 ? value : nil
                case .int(let number): return to.integerRange?.contains(number) == true ? value : nil
                case .float(let number):
                    guard let whole = Int(exactly: number.rounded(.towardZero)),
                        to.integerRange?.contains(whole) == true
                    else { return nil }
                    return .int(whole)
                }
            }
            return values.count == x.values.count ? KnownTensor(to, x.shape, values) : nil
        }
        guard to.smallFloat == nil, to != .float8e8m0, x.element.smallFloat == nil, let numbers = x.numbers
        else { return nil }
        if to == .bool { return KnownTensor(to, x.shape, numbers.map { .int($0 == 0 ? 0 : 1) }) }
        return KnownTensor(to, x.shape, numbers.map { .float(to.rounded($0)) })
    }

    private static func binary(_ site: NodeSite, _ inputs: [KnownTensor?]) throws -> KnownTensor? {
        guard inputs.count == 2, let a = inputs[0], let b = inputs[1], let shape = broadcast(a.shape, b.shape)
        else { return nil }
        if site.op == "Mod", try site.int("fmod", 0) != 0 { return nil }
        let compares = ["Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"].contains(site.op)
        var values: [Scalar] = []
        for (left, right) in zip(expanded(a, shape), expanded(b, shape)) {
            guard var value = compares ? comparison(site.op, left, right) : arithmetic(site.op, left, right)
            else { return nil }
            if case .float(let number) = value { value = .float(a.element.rounded(number)) }
            if case .int(let number) = value, !compares, let range = a.element.integerRange,
                !range.contains(number)
            {
                return nil
            }
            values.append(value)
        }
        return KnownTensor(compares ? .bool : a.element, shape, values)
    }

    static func arithmetic(_ op: String, _ a: Scalar, _ b: Scalar) -> Scalar? {
        switch op {
        case "Add": return added(a, b)
        case "Sub": return multiplied(b, .int(-1)).flatMap { added(a, $0) }
        case "Mul": return multiplied(a, b)
        case "And": return a.int.flatMap { a in b.int.map { .int(a != 0 && $0 != 0 ? 1 : 0) } }
        case "Or": return a.int.flatMap { a in b.int.map { .int(a != 0 || $0 != 0 ? 1 : 0) } }
        case "Div":
            switch (a, b) {
            case (.int(let a), .int(let b)): return b == 0 || a == .min ? nil : .int(a / b)
            case (.float(let a), .float(let b)): return .float(a / b)
            case (.extent(let a), .int(let b)):
                guard b > 0, a.scale % b == 0, a.offset % b == 0 else { return nil }
                return .extent(.symbol(a.symbol ?? "", scale: a.scale / b, offset: a.offset / b))
            default: return a == b && a.dimension != nil ? .int(1) : nil
            }
        case "Mod":
            guard case .int(let a) = a, case .int(let b) = b, b != 0, b != -1 else { return nil }
            let rest = a % b
            return .int(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest)
        case "Min", "Max":
            if a == b { return a }
            guard let left = a.number, let right = b.number, !left.isNaN, !right.isNaN else {
                // An extent is at least 0.
                if op == "Max", case .extent = a, let right = b.int, right <= 0 { return a }
                return nil
            }
            return (left < right) == (op == "Min") ? a : b
        default: return nil
        }
    }

    private static func added(_ a: Scalar, _ b: Scalar) -> Scalar? {
        switch (a, b) {
        case (.int(let a), .int(let b)):
            let (sum, overflow) = a.addingReportingOverflow(b)
            return overflow ? nil : .int(sum)
        case (.float(let a), .float(let b)): return .float(a + b)
        case (.extent(let a), .int(let b)), (.int(let b), .extent(let a)): return .extent(a + b)
        case (.extent(let a), .extent(let b)):
            guard a.symbol == b.symbol, let symbol = a.symbol else { return nil }
            let (scale, offset) = (a.scale + b.scale, a.offset + b.offset)
            return scale == 0 ? .int(offset) : .extent(.symbol(symbol, scale: scale, offset: offset))
        default: return nil
        }
    }

    private static func multiplied(_ a: Scalar, _ b: Scalar) -> Scalar? {
        switch (a, b) {
        case (.int(let a), .int(let b)):
            let (product, overflow) = a.multipliedReportingOverflow(by: b)
            return overflow ? nil : .int(product)
        case (.float(let a), .float(let b)): return .float(a * b)
        case (.float(let a), .int(-1)): return .float(-a)
        case (.extent(let a), .int(let b)), (.int(let b), .extent(let a)):
            return b == 0 ? .int(0) : .extent(a * b)
        default: return nil
        }
    }

    private static func comparison(_ op: String, _ a: Scalar, _ b: Scalar) -> Scalar? {
        func answer(_ order: Bool, _ equal: Bool) -> Scalar {
            switch op {
            case "Equal": .int(equal ? 1 : 0)
            case "Less": .int(order ? 1 : 0)
            case "LessOrEqual": .int(order || equal ? 1 : 0)
            case "Greater": .int(!order && !equal ? 1 : 0)
            default: .int(!order ? 1 : 0)
            }
        }
        if case .int(let a) = a, case .int(let b) = b { return answer(a < b, a == b) }
        if let a = a.number, let b = b.number { return a.isNaN || b.isNaN ? nil : answer(a < b, a == b) }
        if a == b { return answer(false, true) }
        // An extent is at least 0, so it differs from every negative number.
        if case .extent(let extent) = a, extent.offset >= 0, let b = b.int, b < 0 {
            return answer(false, false)
        }
        if case .extent(let extent) = b, extent.offset >= 0, let a = a.int, a < 0 {
            return answer(true, false)
        }
        return nil
    }

    // MARK: Places

    private static func gather(_ site: NodeSite, _ x: KnownTensor, _ indices: KnownTensor?) throws
        -> KnownTensor?
    {
        guard let indices, let list = indices.ints, !x.shape.isEmpty else { return nil }
        let axis = try site.axis(try site.int("axis", 0), of: x.shape.count)
        guard axis == 0 else { return nil }
        let row = x.shape.dropFirst().reduce(1, *)
        var values: [Scalar] = []
        for index in list {
            let place = index < 0 ? index + x.shape[0] : index
            guard (0..<x.shape[0]).contains(place) else {
                throw ONNXError.invalid("the index \(index) is outside an axis of \(x.shape[0])")
            }
            values += x.values[place * row..<(place + 1) * row]
        }
        return KnownTensor(x.element, indices.shape + x.shape.dropFirst(), values)
    }

    static func broadcast(_ a: [Int]?, _ b: [Int]) -> [Int]? {
        guard let a else { return nil }
        var shape: [Int] = []
        for axis in 0..<max(a.count, b.count) {
            let left = axis - (max(a.count, b.count) - a.count)
            let right = axis - (max(a.count, b.count) - b.count)
            let (x, y) = (left < 0 ? 1 : a[left], right < 0 ? 1 : b[right])
            guard x == y || x == 1 || y == 1 else { return nil }
            shape.append(x == 1 ? y : x)
        }
        return shape
    }

    static func expanded(_ x: KnownTensor, _ shape: [Int]) -> [Scalar] {
        if x.shape == shape { return x.values }
        return Places.broadcast(x.shape, to: shape).map { x.values[$0] }
    }

    /// Where a slice of NumPy's kind takes its elements from.
    static func sliceIndices(_ extent: Int, start: Int, end: Int, step: Int) -> [Int] {
        func clamp(_ value: Int, _ range: ClosedRange<Int>) -> Int {
            min(max(value, range.lowerBound), range.upperBound)
        }
        let (start, end) = (
            start < 0 ? start &+ extent : start, end < 0 ? max(end, -extent - 1) + extent : end
        )
        if step > 0 {
            return Array(stride(from: clamp(start, 0...extent), to: clamp(end, 0...extent), by: step))
        }
        if extent == 0 { return [] }
        return Array(
            stride(from: clamp(start, 0...(extent - 1)), to: clamp(end, -1...(extent - 1)), by: step))
    }
}

/// Positions of elements of row-major tensors.
enum Places {
    static func strides(_ shape: [Int]) -> [Int] {
        var strides = shape
        var stride = 1
        for axis in shape.indices.reversed() {
            strides[axis] = stride
            stride *= shape[axis]
        }
        return strides
    }

    /// `start + Σ index · stride` for every index of `shape`, row-major.
    static func all(_ shape: [Int], strides: [Int], start: Int = 0) -> [Int] {
        var places = [start]
        for (extent, stride) in zip(shape, strides) {
            places = places.flatMap { place in (0..<extent).map { place + $0 * stride } }
        }
        return places
    }

    static func broadcast(_ shape: [Int], to target: [Int]) -> [Int] {
        let own = zip(shape, strides(shape)).map { $0 == 1 ? 0 : $1 }
        return all(target, strides: Array(repeating: 0, count: target.count - shape.count) + own)
    }

    /// All indices of a shape, row-major.
    static func indices(_ shape: [Int]) -> [[Int]] {
        var indices: [[Int]] = [[]]
        for extent in shape { indices = indices.flatMap { index in (0..<extent).map { index + [$0] } } }
        return indices
    }
}

extension ONNXElement {
    /// The number as the type holds it, for types that a graph has itself.
    func rounded(_ number: Double) -> Double {
        switch self {
        case .float, .double: Double(Float(number))
        case .float16: Double(Float16(number))
        case .bfloat16:
            number.isFinite
                ? Double(
                    Float(
                        bitPattern: (Float(number).bitPattern &+ 0x7FFF &+ Float(number).bitPattern >> 16 & 1)
                            & 0xFFFF_0000))
                : number
        default: number
        }
    }
}
