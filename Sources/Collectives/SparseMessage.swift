/// Elements of which most are 0, as they travel: a bit for each block of them says whether it has others, and such blocks follow.
/// What lies in a table's gradient is all of its rows, of which a batch touches few.
///
/// A block is left out only if all of its bits are 0, so what arrives is what was sent, to the bit.
final class SparseMessage: @unchecked Sendable {
    /// Elements of a block: 256 bytes.
    static let block = 64

    private let count: Int
    /// A bit for each block.
    let marks: UnsafeMutableRawBufferPointer
    /// The blocks that are marked, one after another.
    private(set) var values = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)

    /// Room for the marks of what another process sends.
    init(count: Int) {
        self.count = count
        let blocks = (count + Self.block - 1) / Self.block
        marks = .allocate(byteCount: max(1, (blocks + 7) / 8), alignment: 8)
        marks.initializeMemory(as: UInt8.self, repeating: 0)
    }

    /// Of what this process has.
    convenience init(of elements: UnsafePointer<Float>, count: Int) {
        self.init(count: count)
        for block in blocks where elements.hasBits(in: block) {
            marks[block.lowerBound / Self.block / 8] |= 1 << UInt8(block.lowerBound / Self.block % 8)
        }
        makeRoom()
        forEachBlock { block, place in
            if let place { place.update(from: elements + block.lowerBound, count: block.count) }
        }
    }

    deinit {
        marks.deallocate()
        values.deallocate()
    }

    /// Makes room for the blocks that are marked.
    func makeRoom() {
        var total = 0
        for block in blocks where isMarked(block) { total += block.count }
        values = .allocate(capacity: total)
    }

    /// Writes all elements.
    func unpack(to target: UnsafeMutablePointer<Float>) {
        forEachBlock { block, place in
            if let place {
                (target + block.lowerBound).update(from: place, count: block.count)
            } else {
                (target + block.lowerBound).update(repeating: 0, count: block.count)
            }
        }
    }

    private var blocks: some Sequence<Range<Int>> {
        stride(from: 0, to: count, by: Self.block).lazy.map { [count] in $0..<min(count, $0 + Self.block) }
    }

    private func isMarked(_ block: Range<Int>) -> Bool {
        let index = block.lowerBound / Self.block
        return marks[index / 8] >> UInt8(index % 8) & 1 == 1
    }

    /// Calls `body` with each block and, if it is marked, its place among the values.
    private func forEachBlock(_ body: (Range<Int>, UnsafeMutablePointer<Float>?) -> Void) {
        var offset = 0
        for block in blocks {
            guard isMarked(block) else {
                body(block, nil)
                continue
            }
            body(block, values.baseAddress.map { $0 + offset })
            offset += block.count
        }
    }
}

extension UnsafePointer<Float> {
    /// Whether any bit is set.
    fileprivate func hasBits(in range: Range<Int>) -> Bool {
        var bits: UInt32 = 0
        for element in range { bits |= self[element].bitPattern }
        return bits != 0
    }
}
