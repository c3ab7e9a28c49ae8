/// A pattern on parameter names: `*` stands for any characters, `?` for one.
struct Glob: Sendable {
    private let pattern: [UInt8]

    init(_ pattern: String) { self.pattern = Array(pattern.utf8) }

    /// Whether the whole name matches.
    func matches(_ name: String) -> Bool {
        let name = Array(name.utf8)
        var (p, n) = (0, 0)
        // Where to go on when the text after the last star does not match.
        var retry: (pattern: Int, name: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                retry = (p + 1, n)
                p += 1
            } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == name[n] {
                (p, n) = (p + 1, n + 1)
            } else if let last = retry {
                retry = (last.pattern, last.name + 1)
                (p, n) = (last.pattern, last.name + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
