/// Where the values of a store lie in memory that several processes have in common: first what is the same for all, then what each
/// has of its own.
package struct SharedLayout: Sendable {
    /// A parameter, or a copy of it in panels.
    struct Item: Sendable {
        let name: String
        /// The panels; `nil` for the parameter itself.
        let panels: String?
        let byteCount: Int
        let isOwn: Bool
        /// In its part.
        let offset: Int
    }

    private(set) var items: [Item] = []
    private var commonByteCount = 0
    private var ownByteCount = 0

    /// Bytes for so many processes.
    package func byteCount(processes: Int) -> Int { commonByteCount + processes * ownByteCount }

    /// What processes must have in common.
    package var text: String {
        items.map { "\($0.name) \($0.panels ?? "") \($0.byteCount)" }.joined(separator: "\n")
    }

    /// Puts it behind the others, on pages of its own.
    mutating func add(_ name: String, panels: String? = nil, byteCount: Int, isOwn: Bool) {
        let size = AlignedMemory.mappedByteCount(byteCount)
        items.append(
            Item(
                name: name, panels: panels, byteCount: byteCount, isOwn: isOwn,
                offset: isOwn ? ownByteCount : commonByteCount))
        if isOwn { ownByteCount += size } else { commonByteCount += size }
    }

    func offset(of item: Item, rank: Int) -> Int {
        item.offset + (item.isOwn ? commonByteCount + rank * ownByteCount : 0)
    }

    /// Where a process has the value of a name.
    package func offset(of name: String, rank: Int) -> Int? {
        items.first { $0.name == name && $0.panels == nil }.map { offset(of: $0, rank: rank) }
    }
}
