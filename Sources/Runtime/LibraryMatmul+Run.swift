import COpenBLAS
import KernelIR

extension LibraryMatmul {
    /// Runs the product by OpenBLAS on `threads` threads.
    func run(_ buffers: UnsafePointer<UnsafeMutableRawPointer?>, _ symbols: [String: Int], threads: Int) {
        openblas_set_num_threads(Int32(threads))
        let (rows, columns, depth) = (m.value(symbols), n.value(symbols), k.value(symbols))
        guard rows > 0, columns > 0, let a = buffers[left], let b = buffers[right], let c = buffers[target]
        else { return }
        for index in 0..<batch.value(symbols) {
            cblas_sgemm(
                CblasRowMajor, transposeLeft ? CblasTrans : CblasNoTrans,
                transposeRight ? CblasTrans : CblasNoTrans,
                blasint(rows), blasint(columns), blasint(depth), 1,
                a.assumingMemoryBound(to: Float.self) + index * rows * depth,
                blasint(transposeLeft ? rows : depth),
                b.assumingMemoryBound(to: Float.self) + index * depth * columns,
                blasint(transposeRight ? depth : columns), 0,
                c.assumingMemoryBound(to: Float.self) + index * rows * columns, blasint(columns))
        }
    }
}
