/// Values of the symbols of a graph, found by matching declared shapes against the tensors given for them.
///
/// A dimension `scale * symbol + offset` that meets an extent fixes its symbol; every further meeting must agree.
package struct SymbolBinding: Sendable {
    package private(set) var values: [String: Int]
    /// Where each symbol got its value, for the error when another place disagrees.
    private var origins: [String: String]

    package init(_ given: [String: Int]) {
        values = given
        origins = given.mapValues { _ in "the given symbols" }
    }

    /// Checks a tensor of `element` and `extents` against its declared type and takes the symbols that its shape
    /// fixes. `place` names the tensor in errors.
    package mutating func bind(
        _ type: TensorType, to element: ElementType, _ extents: [Int], at place: String
    ) throws(IRError) {
        guard element == type.element, extents.count == type.rank else {
            throw IRError("binding", "needs \(type), got \(element.rawValue)\(extents)", at: place)
        }
        for (axis, (dimension, extent)) in zip(type.shape, extents).enumerated() {
            try bind(dimension, to: extent, at: "\(place), axis \(axis) of \(type)")
        }
    }

    private mutating func bind(_ dimension: Dimension, to extent: Int, at place: String) throws(IRError) {
        guard extent >= 0 else { throw IRError("binding", "the extent \(extent) is negative", at: place) }
        guard let symbol = dimension.symbol, dimension.scale != 0 else {
            guard extent == dimension.offset else {
                throw IRError("binding", "needs the extent \(dimension.offset), got \(extent)", at: place)
            }
            return
        }
        let (value, remainder) = (extent - dimension.offset).quotientAndRemainder(dividingBy: dimension.scale)
        guard remainder == 0, value >= 0 else {
            throw IRError("binding", "no value of '\(symbol)' makes \(dimension) = \(extent)", at: place)
        }
        if let known = values[symbol], known != value {
            throw IRError(
                "binding", "'\(symbol)' would be \(value) here but is \(known) from \(origins[symbol] ?? "")",
                at: place)
        }
        values[symbol] = value
        if origins[symbol] == nil { origins[symbol] = place }
    }
}
