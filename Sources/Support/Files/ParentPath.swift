extension String {
    /// The path of the directory that a path's last part is in: `a/b` of `a/b/c` and of `a/b/c/`, empty for a name alone,
    /// `/` for what is at the root.
    ///
    /// Foundation's `deletingLastPathComponent` of a string traps on a name of one character.
    package var parentPath: String {
        let slash = UInt8(ascii: "/")
        guard let end = utf8.lastIndex(where: { $0 != slash }) else { return isEmpty ? "" : "/" }
        guard let separator = utf8[..<end].lastIndex(of: slash) else { return "" }
        return utf8[...separator].lastIndex { $0 != slash }.map {
            String(decoding: utf8[...$0], as: UTF8.self)
        }
            ?? "/"
    }
}
