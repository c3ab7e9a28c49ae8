import GraphIR

/// A value of the ONNX graph: numbers that are known when the graph is compiled, a tensor of the graph, or both.
final class ImportedValue {
    /// The element type in ONNX; the graph holds its carrier.
    let element: ONNXElement
    /// The numbers, where shape arithmetic is to go on with them.
    let known: KnownTensor?
    /// The same of larger tensors of the file, for those who must have them.
    private let stored: StoredTensor?
    /// The tensor that this is as one axis; see `init(_:flat:shape:)`.
    private(set) var base: Tensor?
    private var flatShape: [Dimension]?
    private var made: Tensor?
    private let make: () -> Tensor

    init(_ element: ONNXElement, _ tensor: Tensor) {
        (self.element, known, stored, made) = (element, nil, nil, tensor)
        make = { tensor }
    }

    init(_ known: KnownTensor, _ builder: GraphBuilder) {
        (element, self.known, stored) = (known.element, known, nil)
        make = { builder.tensor(known) }
    }

    /// A tensor of the file, which becomes a parameter of the graph when something reads it.
    init(_ stored: StoredTensor, parameter: @escaping () -> Tensor) {
        (element, known, self.stored) = (stored.element, nil, stored)
        make = parameter
    }

    /// All elements of `base` as one axis, whose extent can't be written with one symbol: only what gives it another shape, or
    /// looks all of it up, can go on with it.
    init(_ element: ONNXElement, flat base: Tensor, shape: [Dimension]) {
        (self.element, known, stored, self.base) = (element, nil, nil, base)
        flatShape = shape
        make = {
            base.builder.fail(
                IRError("type", "\(base.type) as one axis has an extent that can't be said with one symbol"))
        }
    }

    /// The value in the graph, made when it is first asked for.
    var tensor: Tensor {
        if let made { return made }
        let tensor = make()
        made = tensor
        return tensor
    }

    var shape: [Dimension] {
        flatShape ?? known?.shape.map(Dimension.fixed) ?? stored?.shape.map(Dimension.fixed) ?? tensor.shape
    }
    var rank: Int { shape.count }

    /// The numbers, if the file has them.
    var numbers: KnownTensor? {
        known ?? stored.map { KnownTensor($0.element, $0.shape, $0.values) }
    }
}

extension GraphBuilder {
    /// Known numbers as a tensor of the graph.
    func tensor(_ known: KnownTensor) -> Tensor {
        let carrier = known.element.carrier ?? .f32
        let shape = known.shape.map(Dimension.fixed)
        if let numbers = known.numbers {
            if let first = numbers.first,
                numbers.allSatisfy({ $0 == first && ($0 != 0 || $0.sign == first.sign) })
            {
                return constant(first, TensorType(carrier, shape))
            }
            if numbers.isEmpty { return constant(0, TensorType(carrier, shape)) }
            return constant(numbers, carrier, known.shape)
        }
        let parts = known.values.map { value -> Tensor in
            switch value {
            case .extent(let dimension): size(dimension, carrier).reshaped([1])
            case .int, .float: constant(value.number ?? 0, TensorType(carrier, [1]))
            }
        }
        let list = parts.count == 1 ? parts[0] : concatenate(parts, axis: 0)
        return list.reshaped(shape)
    }
}
