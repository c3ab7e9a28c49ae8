/// Which groups wait for which: direct predecessors and all ancestors of each, kept up to date while groups grow.
struct GroupOrder {
    private var direct: [BitSet] = []
    private var ancestors: [BitSet] = []

    mutating func addGroup() {
        direct.append(BitSet())
        ancestors.append(BitSet())
    }

    /// Whether `group` needs what `other` computes, in however many steps.
    func depends(_ group: Int, on other: Int) -> Bool { group == other || ancestors[group].contains(other) }

    /// Whether `group` needs `other` by way of a third group.
    func hasDetour(from group: Int, to other: Int) -> Bool {
        direct[group].contains { $0 != other && $0 != group && ancestors[$0].contains(other) }
    }

    /// Lets `group` read from `other`.
    mutating func add(_ other: Int, before group: Int) {
        guard other != group, direct[group].insert(other) else { return }
        var new = ancestors[other]
        new.insert(other)
        extend(group, by: new)
    }

    /// Lets `group` stand for `other` as well.
    mutating func merge(_ other: Int, into group: Int) {
        direct[group].formUnion(direct[other])
        direct[group].remove(group)
        direct[group].remove(other)
        for number in direct.indices where direct[number].remove(other) && number != group {
            direct[number].insert(group)
        }
        var new = ancestors[other]
        new.remove(group)
        extend(group, by: new)
        // Whoever waited for the other now waits for all of the group.
        var all = ancestors[group]
        all.insert(group)
        for number in ancestors.indices where number != group && ancestors[number].contains(other) {
            ancestors[number].formUnion(all)
        }
    }

    private mutating func extend(_ group: Int, by new: BitSet) {
        guard ancestors[group].formUnion(new) else { return }
        for number in ancestors.indices where ancestors[number].contains(group) {
            ancestors[number].formUnion(new)
        }
    }
}

/// A set of small numbers.
private struct BitSet {
    private var words: [UInt64] = []

    func contains(_ number: Int) -> Bool {
        let word = number >> 6
        return word < words.count && words[word] & (1 << UInt64(number & 63)) != 0
    }

    /// Whether any member satisfies the predicate.
    func contains(where predicate: (Int) -> Bool) -> Bool {
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                if predicate(index << 6 + rest.trailingZeroBitCount) { return true }
                rest &= rest - 1
            }
        }
        return false
    }

    /// Whether the number is new.
    @discardableResult
    mutating func insert(_ number: Int) -> Bool {
        let word = number >> 6
        while words.count <= word { words.append(0) }
        let bit: UInt64 = 1 << UInt64(number & 63)
        guard words[word] & bit == 0 else { return false }
        words[word] |= bit
        return true
    }

    /// Whether the number was there.
    @discardableResult
    mutating func remove(_ number: Int) -> Bool {
        guard contains(number) else { return false }
        words[number >> 6] &= ~(1 << UInt64(number & 63))
        return true
    }

    /// Whether that added anything.
    @discardableResult
    mutating func formUnion(_ other: BitSet) -> Bool {
        while words.count < other.words.count { words.append(0) }
        var changed = false
        for (index, word) in other.words.enumerated() where word & ~words[index] != 0 {
            words[index] |= word
            changed = true
        }
        return changed
    }
}
