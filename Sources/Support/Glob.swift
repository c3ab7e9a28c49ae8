import Foundation

/// A pattern on parameter names, as the shell's: `*` stands for any characters, `?` for one, `[...]` for one of a set.
package struct Glob: Sendable {
    private let pattern: String

    package init(_ pattern: String) { self.pattern = pattern }

    /// Whether the whole name matches; a backslash is a character like any other.
    package func matches(_ name: String) -> Bool { fnmatch(pattern, name, FNM_NOESCAPE) == 0 }
}
