/// The candidate closest to `name` by edit distance, case ignored; nil when none is within `limit` edits
/// (by default a third of the name, at least 2).
package func nearestName(to name: String, among candidates: [String], limit: Int? = nil) -> String? {
    let bound = limit ?? max(2, name.count / 3)
    let wanted = Array(name.lowercased())
    var best: (name: String, distance: Int)?
    for candidate in candidates.sorted() {
        let distance = editDistance(wanted, Array(candidate.lowercased()))
        if distance <= bound, distance < best?.distance ?? .max {
            best = (candidate, distance)
        }
    }
    return best?.name
}

/// `"; did you mean 'matmul'?"` when one of `names` is a likely meaning of `name`, else nothing.
package func suggestion(for name: String, in names: some Sequence<String>) -> String {
    nearestName(to: name, among: Array(names), limit: max(1, name.utf8.count / 3))
        .map { "; did you mean '\($0)'?" } ?? ""
}

/// The least number of insertions, deletions and replacements that turn `a` into `b` (Levenshtein).
/// Complexity: O(`a.count` · `b.count`).
private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    var previous = Array(0...b.count)
    for (row, left) in a.enumerated() {
        var current = [row + 1]
        for (column, right) in b.enumerated() {
            let replaced = previous[column] + (left == right ? 0 : 1)
            current.append(min(replaced, previous[column + 1] + 1, current[column] + 1))
        }
        previous = current
    }
    return previous[b.count]
}
