import GraphIR

/// Values of the symbols of a graph, found by matching declared shapes against the tensors given for them.
///
/// A dimension `scale * symbol + offset` that meets an extent fixes its symbol; every further meeting must agree.
struct SymbolBinding {
    private(set) var values: [String: Int]
    /// Where each symbol got its value, for the error when another place disagrees.
    private var origins: [String: String]

    init(_ given: [String: Int]) {
        values = given
        origins = given.mapValues { _ in "the given symbols" }
    }

    /// Checks `tensor` against its declared type and takes the symbols that its shape fixes.
    mutating func bind(_ type: TensorType, to tensor: HostTensor, at place: String) throws(InterpreterError) {
        guard tensor.element == type.element, tensor.shape.count == type.rank else {
            throw InterpreterError("needs \(type), got \(tensor.element.rawValue)\(tensor.shape)", at: place)
        }
        for (axis, (dimension, extent)) in zip(type.shape, tensor.shape).enumerated() {
            try bind(dimension, to: extent, at: "\(place), axis \(axis) of \(type)")
        }
        guard tensor.values.count == tensor.shape.reduce(1, *) else {
            throw InterpreterError("\(tensor.values.count) values do not fill \(tensor.shape)", at: place)
        }
    }

    private mutating func bind(_ dimension: Dimension, to extent: Int, at place: String)
        throws(InterpreterError)
    {
        guard extent >= 0 else { throw InterpreterError("the extent \(extent) is negative", at: place) }
        guard let symbol = dimension.symbol, dimension.scale != 0 else {
            guard extent == dimension.offset else {
                throw InterpreterError("needs the extent \(dimension.offset), got \(extent)", at: place)
            }
            return
        }
        let (value, remainder) = (extent - dimension.offset).quotientAndRemainder(dividingBy: dimension.scale)
        guard remainder == 0, value >= 0 else {
            throw InterpreterError("no value of '\(symbol)' makes \(dimension) = \(extent)", at: place)
        }
        if let known = values[symbol], known != value {
            throw InterpreterError(
                "'\(symbol)' would be \(value) here but is \(known) from \(origins[symbol] ?? "")", at: place)
        }
        values[symbol] = value
        if origins[symbol] == nil { origins[symbol] = place }
    }
}
