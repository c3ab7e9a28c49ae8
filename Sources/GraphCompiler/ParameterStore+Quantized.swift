import Transforms

extension ParameterStore {
    /// Sets a weight as i8, as graphs that are compiled with the precision `int8` read it.
    ///
    /// - Parameters:
    ///   - name: the name of the weight as f32.
    ///   - shape: `[rows, columns]`, a row for each output.
    ///   - numbers: row-major.
    ///   - scales: one a row.
    ///   - smoothing: a factor a column, by which activations are multiplied, where the weight was divided by it.
    /// - Throws: `ExecutionError` when there is one of another type under a name.
    package func setQuantized(
        _ name: String, shape: [Int], numbers: [UInt8], scales: [Float], smoothing: [Float]?
    ) throws {
        try set(
            QuantizedWeight.valuesName(of: name), TensorData(element: .i8, shape: shape, bytes: numbers))
        try set(QuantizedWeight.scaleName(of: name), TensorData(scales))
        if let smoothing { try set(QuantizedWeight.smoothingName(of: name), TensorData(smoothing)) }
    }

    /// A weight as i8, where there is one.
    package func quantized(
        _ name: String
    ) throws -> (shape: [Int], numbers: [UInt8], scales: [Float], smoothing: [Float]?)? {
        guard let numbers = get(QuantizedWeight.valuesName(of: name)),
            let scales = try get(QuantizedWeight.scaleName(of: name))?.floats
        else { return nil }
        let smoothing = try get(QuantizedWeight.smoothingName(of: name))?.floats
        return (numbers.shape, numbers.bytes, scales, smoothing)
    }
}
