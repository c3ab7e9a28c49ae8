/// A prefix tree over bytes whose edges live in one open-addressing hash table.
///
/// Looking up a string, or the longest stored prefix of one, takes one probe a byte.
struct ByteTrie: Sendable {
    /// A place in the tree; the bytes on the way from the root spell its string.
    struct Node: Sendable, Equatable {
        fileprivate let index: UInt32
        static let root = Node(index: 0)
    }

    /// `parent << 8 | byte` of each edge; `vacant` marks a free slot. The root is nobody's child.
    private var keys: [UInt64]
    private var children: [UInt32]
    private var edges = 0
    /// The value at each node, or `noValue`.
    private var values: [Int32] = [ByteTrie.noValue]

    private static let vacant = UInt64.max
    private static let noValue: Int32 = -1

    init() {
        keys = Array(repeating: ByteTrie.vacant, count: 1024)
        children = Array(repeating: 0, count: 1024)
    }

    /// Stores `value` (not negative) for `string` unless it has one.
    ///
    /// - Returns: the value that `string` already has, if any.
    mutating func insert(_ string: some Sequence<UInt8>, value: Int32) -> Int32? {
        let node = makeNode(for: string)
        if let present = self.value(at: node) { return present }
        values[Int(node.index)] = value
        return nil
    }

    /// Stores `value` (not negative) for `string`.
    ///
    /// - Returns: the value that it had, if any.
    mutating func set(_ string: some Sequence<UInt8>, value: Int32) -> Int32? {
        let node = makeNode(for: string)
        defer { values[Int(node.index)] = value }
        return self.value(at: node)
    }

    private mutating func makeNode(for string: some Sequence<UInt8>) -> Node {
        var node = Node.root
        for byte in string { node = child(of: node, byte) ?? addChild(of: node, byte) }
        return node
    }

    /// The node that `string` leads to, whether or not it has a value.
    func node(for string: some Sequence<UInt8>) -> Node? {
        var node = Node.root
        for byte in string {
            guard let next = child(of: node, byte) else { return nil }
            node = next
        }
        return node
    }

    /// The value stored for exactly `string`.
    func value(of string: some Sequence<UInt8>) -> Int32? {
        node(for: string).flatMap(value)
    }

    /// The value stored at a node.
    func value(at node: Node) -> Int32? {
        let value = values[Int(node.index)]
        return value == ByteTrie.noValue ? nil : value
    }

    /// The longest non-empty prefix of `text` that leads from `start` to a value.
    @inline(__always)
    func longestMatch(
        in text: UnsafeBufferPointer<UInt8>.SubSequence, from start: Node = .root
    ) -> (value: Int32, length: Int)? {
        var node = start
        var length = 0
        var best: (value: Int32, length: Int)?
        for byte in text {
            guard let next = child(of: node, byte) else { break }
            node = next
            length += 1
            if let value = value(at: node) { best = (value, length) }
        }
        return best
    }

    /// Calls `body` with the value and the length of each non-empty prefix of `text` that has a value.
    @inline(__always)
    func forEachMatch(
        in text: UnsafeBufferPointer<UInt8>.SubSequence, _ body: (Int32, Int) -> Void
    ) {
        var node = Node.root
        var length = 0
        for byte in text {
            guard let next = child(of: node, byte) else { return }
            node = next
            length += 1
            if let value = value(at: node) { body(value, length) }
        }
    }

    @inline(__always)
    private func child(of node: Node, _ byte: UInt8) -> Node? {
        let key = UInt64(node.index) << 8 | UInt64(byte)
        let slot = self.slot(of: key)
        return keys[slot] == key ? Node(index: children[slot]) : nil
    }

    /// The slot that holds `key`, or the vacant one where it belongs.
    @inline(__always)
    private func slot(of key: UInt64) -> Int {
        let mask = keys.count - 1
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
        while keys[slot] != ByteTrie.vacant && keys[slot] != key { slot = (slot + 1) & mask }
        return slot
    }

    private mutating func addChild(of node: Node, _ byte: UInt8) -> Node {
        if 2 * (edges + 1) > keys.count { grow() }
        let key = UInt64(node.index) << 8 | UInt64(byte)
        let child = UInt32(values.count)
        let slot = self.slot(of: key)
        keys[slot] = key
        children[slot] = child
        edges += 1
        values.append(ByteTrie.noValue)
        return Node(index: child)
    }

    private mutating func grow() {
        let old = zip(keys, children).filter { $0.0 != ByteTrie.vacant }
        keys = Array(repeating: ByteTrie.vacant, count: 2 * keys.count)
        children = Array(repeating: 0, count: keys.count)
        for (key, child) in old {
            let slot = self.slot(of: key)
            keys[slot] = key
            children[slot] = child
        }
    }
}
