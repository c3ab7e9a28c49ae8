import GraphIR

/// `target[Σ i_a targetStrides[a] + targetOffset] = source[Σ i_a sourceStrides[a] + sourceOffset]` over all
/// indices below `extents`; the last axis is the inner loop.
package struct StridedCopy: Hashable, Sendable {
    package var source: Int
    package var target: Int
    package var element: ElementType
    package var extents: [Extent]
    package var sourceStrides: [Extent]
    package var targetStrides: [Extent]
    package var sourceOffset: Extent
    package var targetOffset: Extent
    package var tasks: Int

    package init(
        source: Int, target: Int, element: ElementType, extents: [Extent], sourceStrides: [Extent],
        targetStrides: [Extent], sourceOffset: Extent, targetOffset: Extent, tasks: Int
    ) {
        self.source = source
        self.target = target
        self.element = element
        self.extents = extents
        self.sourceStrides = sourceStrides
        self.targetStrides = targetStrides
        self.sourceOffset = sourceOffset
        self.targetOffset = targetOffset
        self.tasks = tasks
    }
}

extension StridedCopy: KernelTemplate {
    package var templateName: String { "copy" }
    package var suffix: String { "" }

    package func taskCount(_ symbols: [String: Int]) -> Int { tasks }

    package func scratchByteCount(_ symbols: [String: Int]) -> Int { 0 }

    package var contractionElement: ElementType? { nil }

    package func contractionFlopCount(_ symbols: [String: Int]) -> Int { 0 }

    package func flopCount(_ symbols: [String: Int]) -> Int { 0 }

    package func instructionCount(_ symbols: [String: Int]) -> Int { 0 }

    package func countTraffic(_ counter: inout TrafficCounter) {
        func elements(_ strides: [Extent]) -> Int {
            zip(extents, strides).reduce(1) { product, axis in
                axis.1 == .fixed(0) ? product : product * axis.0.value(counter.symbols)
            }
        }
        let (read, written) = (elements(sourceStrides), elements(targetStrides))
        counter.read(source, read, of: element)
        counter.write(target, written, of: element)
    }

    package func verify(_ verifier: inout KernelVerifier) throws(IRError) {
        try verifier.tasks(tasks)
        try verifier.extents(extents + sourceStrides + targetStrides + [sourceOffset, targetOffset])
        try verifier.require(
            .sizes, sourceStrides.count == extents.count && targetStrides.count == extents.count,
            "\(extents.count) axes with \(sourceStrides.count) and \(targetStrides.count) strides")
        try verifier.read(source, element, strides: sourceStrides)
        try verifier.write(target, element, strides: targetStrides)
    }
}

extension StridedCopy {
    package var description: String {
        "  copy b\(target) \(targetStrides) = b\(source) \(sourceStrides) over \(extents)\n"
    }
}
