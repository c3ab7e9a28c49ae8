import Foundation

/// A matrix whose last row ends where memory does: touching what lies behind it ends the process. Between its
/// rows, and before the first, stand marks.
final class GuardedMatrix<Element: BitwiseCopyable & Equatable> {
    let rows: Int
    let columns: Int
    let stride: Int
    let start: UnsafeMutablePointer<Element>
    private let mapped: UnsafeMutableRawPointer
    private let byteCount: Int
    private let mark: Element

    private static var page: Int { 4096 }

    /// - Parameter values: All rows of `columns` elements, one behind the other.
    init(rows: Int, columns: Int, stride: Int, values: [Element], mark: Element) {
        precondition(stride >= columns && values.count == rows * columns)
        (self.rows, self.columns, self.stride, self.mark) = (rows, columns, stride, mark)
        let used = max(0, (rows - 1) * stride + columns) * MemoryLayout<Element>.stride
        let body = (used / Self.page + 2) * Self.page
        byteCount = body + Self.page
        guard let mapped = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            mapped != MAP_FAILED, mprotect(mapped + body, Self.page, PROT_NONE) == 0
        else { preconditionFailure("no memory for a test") }
        self.mapped = mapped
        let everything = mapped.assumingMemoryBound(to: Element.self)
        everything.update(repeating: mark, count: body / MemoryLayout<Element>.stride)
        start = (mapped + body - used).assumingMemoryBound(to: Element.self)
        for row in 0..<rows {
            for column in 0..<columns { start[row * stride + column] = values[row * columns + column] }
        }
    }

    var values: [Element] {
        (0..<rows).flatMap { row in (0..<columns).map { start[row * stride + $0] } }
    }

    /// Whether nothing between the rows, or just before the first, has changed.
    func marksHold(_ same: (Element, Element) -> Bool) -> Bool {
        (1...64).allSatisfy { same(start[-$0], mark) }
            && (0..<max(0, rows - 1)).allSatisfy { row in
                (columns..<stride).allSatisfy { same(start[row * stride + $0], mark) }
            }
    }

    deinit { munmap(mapped, byteCount) }
}
