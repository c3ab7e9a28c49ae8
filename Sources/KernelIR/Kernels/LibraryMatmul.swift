import GraphIR

/// A matmul by OpenBLAS: the unfused baseline and the oracle for generated contractions.
package struct LibraryMatmul: Hashable, Sendable {
    package var left: Int
    package var right: Int
    package var target: Int
    package var transposeLeft: Bool
    package var transposeRight: Bool
    package var batch: Extent
    package var m: Extent
    package var n: Extent
    package var k: Extent

    package init(
        left: Int, right: Int, target: Int, transposeLeft: Bool, transposeRight: Bool, batch: Extent,
        m: Extent, n: Extent, k: Extent
    ) {
        self.left = left
        self.right = right
        self.target = target
        self.transposeLeft = transposeLeft
        self.transposeRight = transposeRight
        self.batch = batch
        self.m = m
        self.n = n
        self.k = k
    }
}

extension LibraryMatmul: KernelTemplate {
    package var templateName: String { "openblas" }
    package var suffix: String { "" }

    package func taskCount(_ symbols: [String: Int]) -> Int { 1 }

    package func scratchByteCount(_ symbols: [String: Int]) -> Int { 0 }

    package var contractionElement: ElementType? { .f32 }

    package func contractionFlopCount(_ symbols: [String: Int]) -> Int { flopCount(symbols) }

    package func instructionCount(_ symbols: [String: Int]) -> Int { 0 }

    package func flopCount(_ symbols: [String: Int]) -> Int {
        2 * batch.value(symbols) * m.value(symbols) * n.value(symbols) * k.value(symbols)
    }

    package func countTraffic(_ counter: inout TrafficCounter) {
        let batch = batch.value(counter.symbols)
        let (m, n, k) = (m.value(counter.symbols), n.value(counter.symbols), k.value(counter.symbols))
        counter.read(left, batch * m * k)
        counter.read(right, batch * k * n)
        counter.write(target, batch * m * n)
    }

    package func verify(_ verifier: inout KernelVerifier) throws(IRError) {
        try verifier.extents([batch, m, n, k])
        try verifier.read(left, .f32)
        try verifier.read(right, .f32)
        try verifier.write(target, .f32)
    }
}

extension LibraryMatmul {
    package var description: String { "  sgemm b\(target) = b\(left) · b\(right) [m \(m), n \(n), k \(k)]\n" }
}
