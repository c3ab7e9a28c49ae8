import KernelIR
import Runtime

extension LibraryMatmul {
    /// The product by OpenBLAS.
    func function(_ library: OpenBLAS) -> HostFunction { HostFunction { run(library, $0) } }

    private func run(_ library: OpenBLAS, _ call: HostFunction.Call) {
        let (buffers, symbols) = (call.buffers, call.symbols)
        library.setThreads(Int32(call.threads))
        let (rows, columns, depth) = (m.value(symbols), n.value(symbols), k.value(symbols))
        guard rows > 0, columns > 0, let a = buffers[left], let b = buffers[right], let c = buffers[target]
        else { return }
        func transposed(_ isTransposed: Bool) -> Int32 {
            (isTransposed ? OpenBLAS.Transpose.yes : .no).rawValue
        }
        for index in 0..<batch.value(symbols) {
            library.multiply(
                OpenBLAS.Order.rowMajor.rawValue, transposed(transposeLeft), transposed(transposeRight),
                Int32(rows), Int32(columns), Int32(depth), 1,
                a.assumingMemoryBound(to: Float.self) + index * rows * depth,
                Int32(transposeLeft ? rows : depth),
                b.assumingMemoryBound(to: Float.self) + index * depth * columns,
                Int32(transposeRight ? depth : columns), 0,
                c.assumingMemoryBound(to: Float.self) + index * rows * columns, Int32(columns))
        }
    }
}
