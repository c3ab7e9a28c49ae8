import GraphIR

/// Sequence-wise sum, or broadcast, over packed rows. One task a sequence.
package struct SegmentKernel: Hashable, Sendable {
    package enum Direction: Hashable, Sendable { case sum, broadcast }
    package var direction: Direction
    package var source: Int
    package var offsets: Int
    package var lengths: Int
    package var target: Int
    package var element: ElementType
    package var sequences: Extent
    package var tokens: Extent
    package var columns: Extent

    package init(
        direction: Direction, source: Int, offsets: Int, lengths: Int, target: Int, element: ElementType,
        sequences: Extent, tokens: Extent, columns: Extent
    ) {
        self.direction = direction
        self.source = source
        self.offsets = offsets
        self.lengths = lengths
        self.target = target
        self.element = element
        self.sequences = sequences
        self.tokens = tokens
        self.columns = columns
    }
}

extension SegmentKernel: KernelTemplate {
    package var templateName: String { "segments" }
    package var suffix: String { "" }

    package func taskCount(_ symbols: [String: Int]) -> Int { sequences.value(symbols) }

    package func scratchByteCount(_ symbols: [String: Int]) -> Int { 0 }

    package var contractionElement: ElementType? { nil }

    package func contractionFlopCount(_ symbols: [String: Int]) -> Int { 0 }

    package func flopCount(_ symbols: [String: Int]) -> Int { 0 }

    package func instructionCount(_ symbols: [String: Int]) -> Int { 0 }

    package func countTraffic(_ counter: inout TrafficCounter) {
        let (sequences, columns) = (sequences.value(counter.symbols), columns.value(counter.symbols))
        let (short, long) = (sequences * columns, tokens.value(counter.symbols) * columns)
        counter.read(source, direction == .sum ? long : short)
        counter.read(offsets, sequences + 1)
        counter.read(lengths, sequences)
        counter.write(target, direction == .sum ? short : long)
    }

    package func verify(_ verifier: inout KernelVerifier) throws(IRError) {
        try verifier.extents([sequences, tokens, columns])
        try verifier.read(source, element)
        try verifier.read(offsets, .i32)
        try verifier.read(lengths, .i32)
        try verifier.write(target, element)
    }
}

extension SegmentKernel {
    package var description: String {
        "  segment_\(direction) b\(target) = b\(source) [\(sequences) x \(columns)]\n"
    }
}
