import GraphIR

/// Operators without operands, and those whose operands say a shape.
enum Constants {
    static let rules: [String: OperatorRule] = [
        "Constant": constant,
        "ConstantOfShape": { site in
            let shape = try Shapes.dimensions(try site.known(0, "the shape"))
            let filler = try Shapes.filler(site)
            guard let carrier = filler.element.carrier, let number = filler.numbers?.first else {
                throw ONNXError.unsupported("can't fill with \(filler.element.name)")
            }
            return [site.value(filler.element, site.g.constant(number, TensorType(carrier, shape)))]
        },
        "Range": range, "EyeLike": eye, "OneHot": oneHot,
        "HannWindow": window([0.5, -0.5]), "HammingWindow": window([25.0 / 46, -21.0 / 46]),
        "BlackmanWindow": window([0.42, -0.5, 0.08]),
        "Dropout": dropout,
    ]

    private static let constant: OperatorRule = { site in
        if let tensor = try site.tensorAttribute("value") {
            return [try site.importer.stored(tensor, name: site.node.outputs.first ?? "constant")]
        }
        if let value = try site.int("value_int") {
            return [site.value(KnownTensor(.int64, [], ints: [value]))]
        }
        if let values = try site.ints("value_ints") {
            return [site.value(KnownTensor(.int64, [values.count], ints: values))]
        }
        if let value = try site.float("value_float") {
            return [site.value(KnownTensor(.float, [], [.float(value)]))]
        }
        if let values = try site.floats("value_floats") {
            return [site.value(KnownTensor(.float, [values.count], values.map(Scalar.float)))]
        }
        throw ONNXError.unsupported("holds texts or a sparse tensor, which no graph has")
    }

    /// start, start + step, … below end; how many must be known, or be the extent of an axis.
    private static let range: OperatorRule = { site in
        let (start, end, step) = (
            try site.known(0, "the start"), try site.known(1, "the end"), try site.known(2, "the step")
        )
        guard let carrier = start.element.carrier, let first = start.values.first,
            let last = end.values.first,
            let step = step.values.first?.number, step != 0, let from = first.number
        else { throw ONNXError.unsupported("needs a start and a step that are numbers") }
        let count: Dimension
        if let to = last.number {
            guard ((to - from) / step).magnitude <= Double(1 << 40) else {
                throw ONNXError.invalid("has too many elements")
            }
            count = .fixed(max(0, Int(((to - from) / step).rounded(.up))))
        } else if case .extent(let extent) = last, step == 1, let from = first.int {
            count = extent + -from
        } else {
            throw ONNXError.unsupported("the number of its elements can't be said as an extent")
        }
        let steps = site.g.iota(carrier, [count], axis: 0)
        let scaled = step == 1 ? steps : steps * step
        return [site.value(start.element, from == 0 ? scaled : scaled + from)]
    }

    private static let eye: OperatorRule = { site in
        let x = try site.input(0)
        guard x.rank == 2 else { throw ONNXError.invalid("takes a matrix, got \(x.rank) axes") }
        let element = try site.elementType("dtype") ?? x.element
        let rows = site.g.iota(.i32, x.shape, axis: 0) + Double(try site.int("k", 0))
        let isDiagonal = site.g.compare(.eq, rows, site.g.iota(.i32, x.shape, axis: 1))
        return [site.value(element, isDiagonal.cast(element.carrier ?? .f32))]
    }

    /// 1 or another number where an index is the place along a new axis.
    private static let oneHot: OperatorRule = { site in
        let (indices, values) = (try site.input(0), try site.input(2))
        let depth = try Shapes.dimensions(
            KnownTensor(
                .int64, [1],
                [
                    try site.known(1, "the depth").values.first.map { value in
                        value.number.map { .int(Int($0)) } ?? value
                    } ?? .int(0)
                ]))[0]
        let axis = try site.axis(try site.int("axis", -1), of: indices.rank + 1)
        let g = site.g
        let ids = indices.tensor.cast(.i32)
        let wrapped = g.select(ids.isLess(0), ids + g.size(depth, .i32), ids)
        var shape = indices.shape
        shape.insert(depth, at: axis)
        var single = indices.shape
        single.insert(1, at: axis)
        let isHot = g.compare(.eq, wrapped.reshaped(single), g.iota(.i32, shape, axis: axis))
        let off = values.tensor.slice(axis: 0, start: 0, size: 1).reshaped([])
        let on = values.tensor.slice(axis: 0, start: 1, size: 1).reshaped([])
        return [site.value(values.element, g.select(isHot, on, off))]
    }

    /// Σ coefficient · cos(2π k i / n), n being one less for a symmetric window.
    private static func window(_ coefficients: [Double]) -> OperatorRule {
        { site in
            guard let size = try site.knownInts(0, "the size").first, size >= 0, size <= 1 << 20 else {
                throw ONNXError.invalid("its size must be a number")
            }
            let element = try site.elementType("output_datatype") ?? .float
            let period = try site.flag("periodic", true) ? size : size - 1
            let place = site.g.iota(.f32, [.fixed(size)], axis: 0)
            var sum = place.filled(coefficients[0])
            for (harmonic, coefficient) in coefficients.enumerated().dropFirst() {
                sum =
                    sum + (place * (2 * Double.pi * Double(harmonic) / Double(max(period, 1)))).map(.cos)
                    * coefficient
            }
            return [site.value(element, sum.cast(element.carrier ?? .f32))]
        }
    }

    /// In inference dropout is the identity, and nothing is dropped.
    private static let dropout: OperatorRule = { site in
        let x = try site.input(0)
        if site.has(2), try site.knownInts(2, "whether it trains").first != 0 {
            let rate = try site.has(1) ? site.knownNumbers(1, "the ratio").first ?? 0.5 : 0.5
            guard rate == 0 else {
                throw ONNXError.unsupported(
                    "dropout in training draws random numbers; export the model for inference")
            }
        }
        return [x, site.value(.bool, site.g.constant(1, TensorType(.bool, x.shape)))]
    }
}
