/// The combining marks since the last base character, which come out in canonical order: stable by combining class.
///
/// Accent stripping drops almost all marks; the ones that stay (spacing marks with a combining class) must still come
/// out in NFD's order.
struct PendingMarks {
    private var marks: [(scalar: Unicode.Scalar, combiningClass: UInt8, place: Int)] = []
    private var isSorted = true

    var isEmpty: Bool { marks.isEmpty }

    /// - Parameter place: where the mark stands in the text.
    mutating func insert(_ scalar: Unicode.Scalar, combiningClass: UInt8, place: Int) {
        if let last = marks.last, last.combiningClass > combiningClass { isSorted = false }
        marks.append((scalar, combiningClass, place))
    }

    /// Empties the list. Complexity: O(n) for marks that are in order, else O(n log n).
    mutating func removeAll() -> [(scalar: Unicode.Scalar, place: Int)] {
        guard !marks.isEmpty else { return [] }
        defer { (marks, isSorted) = ([], true) }
        if isSorted { return marks.map { ($0.scalar, $0.place) } }
        let order = marks.indices.sorted {
            (marks[$0].combiningClass, $0) < (marks[$1].combiningClass, $1)
        }
        return order.map { (marks[$0].scalar, marks[$0].place) }
    }
}
