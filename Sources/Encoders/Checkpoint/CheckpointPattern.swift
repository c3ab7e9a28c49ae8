extension CheckpointMap {
    /// The name of a module, with `*` for a number.
    struct Pattern: Sendable {
        private let parts: [Substring]

        init(_ text: String) { parts = Substring(text).split(separator: ".") }

        /// What a name has for the pattern's `*`, and after it.
        struct Match {
            fileprivate var numbers: [Substring] = []
            fileprivate var rest: ArraySlice<Substring>
        }

        /// Whether a name is the module's or of something in it.
        func match(_ name: String) -> Match? {
            let own = Substring(name).split(separator: ".", omittingEmptySubsequences: false)
            guard own.count >= parts.count else { return nil }
            var match = Match(rest: own[parts.count...])
            for (part, found) in zip(parts, own) {
                if part == "*", Int(found) != nil {
                    match.numbers.append(found)
                } else if part != found {
                    return nil
                }
            }
            return match
        }

        /// The name that has what was matched.
        func name(_ match: Match) -> String {
            var numbers = match.numbers.makeIterator()
            return (parts.map { $0 == "*" ? numbers.next() ?? $0 : $0 } + match.rest).joined(separator: ".")
        }
    }
}
