/// What all cores together do in a second.
package struct Rates: Hashable, Sendable {
    /// Bytes read and written.
    package var bytesPerSecond: Double
    /// Element-wise operations on f32.
    package var operationsPerSecond: Double
    /// FLOPs of matrix products, a multiply-add being two, by the element type of their operands.
    package var flopsPerSecond: ByElement<Double>

    package init(bytesPerSecond: Double, operationsPerSecond: Double, flopsPerSecond: ByElement<Double>) {
        self.bytesPerSecond = bytesPerSecond
        self.operationsPerSecond = operationsPerSecond
        self.flopsPerSecond = flopsPerSecond
    }
}
