import Foundation

/// What the kernel says about the machine in /proc and /sys, or in a directory that has the same files.
struct SystemFiles: Sendable {
    private let root: String

    /// - Parameter root: the directory that stands for `/`.
    init(root: String = "") { self.root = root }

    /// The text of a file without white space around it; `nil` when there is none that can be read.
    func text(_ path: String) -> String? {
        (try? String(contentsOfFile: root + path, encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A file that holds one number.
    func number(_ path: String) -> Int? { text(path).flatMap { Int($0) } }

    /// A file that lists processors; `nil` when there is none, or it lists something else.
    func processors(_ path: String) -> [Int]? { text(path).flatMap(Self.processors(in:)) }

    /// The numbers in a list like `0-3,8,10-11`, in ascending order; `nil` when it is none. An empty text is an empty list.
    static func processors(in list: String) -> [Int]? {
        var numbers: Set<Int> = []
        for part in list.split(separator: ",") {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
                first >= 0, first <= last, last < 1 << 16
            else { return nil }
            numbers.formUnion(first...last)
        }
        return numbers.sorted()
    }
}
