import GraphCompiler

extension ParameterStore {
    /// Sets a bf16 parameter by writing its elements as f32, which are rounded to the nearest.
    ///
    /// - Parameters:
    ///   - shape: its extents.
    ///   - write: gets room for all elements, row-major.
    func setRounded(
        _ name: String, shape: [Int], _ write: (UnsafeMutableBufferPointer<Float>) throws -> Void
    ) throws {
        let count = shape.reduce(1, *)
        let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
        defer { values.deallocate() }
        values.initialize(repeating: 0)
        try write(values)
        let bytes = [UInt8](unsafeUninitializedCapacity: 2 * count) { bytes, filled in
            if let base = bytes.baseAddress {
                for (index, value) in values.enumerated() {
                    ElementType.bf16.write(Double(value), to: base, at: index)
                }
            }
            filled = 2 * count
        }
        try set(name, TensorData(element: .bf16, shape: shape, bytes: bytes))
    }
}
