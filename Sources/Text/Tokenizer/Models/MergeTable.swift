/// Pairs of tokens that merge, with the order of the merges and what becomes of them.
struct MergeTable: Sendable, CustomStringConvertible {
    struct Merge: Sendable {
        var rank: UInt32
        var id: Int32
    }

    /// `first << 32 | second` of each pair; `vacant` marks a free slot.
    private var keys: [UInt64]
    private var merges: [Merge]
    private var count = 0
    private static let vacant = UInt64.max

    /// - Parameter capacity: how many pairs there will be.
    init(capacity: Int) {
        var size = 16
        while size < 2 * capacity { size *= 2 }
        keys = Array(repeating: MergeTable.vacant, count: size)
        merges = Array(repeating: Merge(rank: 0, id: 0), count: size)
    }

    /// Of equal pairs the last counts.
    mutating func insert(_ first: Int32, _ second: Int32, _ merge: Merge) {
        let slot = slot(of: first, second)
        keys[slot] = MergeTable.key(first, second)
        merges[slot] = merge
    }

    @inline(__always)
    func merge(of first: Int32, _ second: Int32) -> Merge? {
        let slot = slot(of: first, second)
        return keys[slot] == MergeTable.vacant ? nil : merges[slot]
    }

    private static func key(_ first: Int32, _ second: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: first)) << 32 | UInt64(UInt32(bitPattern: second))
    }

    @inline(__always)
    private func slot(of first: Int32, _ second: Int32) -> Int {
        let key = MergeTable.key(first, second)
        let mask = keys.count - 1
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
        while keys[slot] != MergeTable.vacant && keys[slot] != key { slot = (slot + 1) & mask }
        return slot
    }

    /// The pairs in order.
    var description: String {
        zip(keys, merges).filter { $0.0 != MergeTable.vacant }
            .sorted { $0.1.rank < $1.1.rank }
            .map { "\($0.0):\($0.1.id)" }.joined(separator: " ")
    }
}
