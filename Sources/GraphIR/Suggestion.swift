/// `"; did you mean 'matmul'?"` when one of `names` is a likely meaning of `name`, else nothing.
func suggestion(for name: String, in names: some Sequence<String>) -> String {
    let limit = max(1, name.utf8.count / 3)
    let nearest = names.map { (distance: editDistance(name, $0), name: $0) }
        .filter { $0.distance <= limit }
        .min { ($0.distance, $0.name) < ($1.distance, $1.name) }
    return nearest.map { "; did you mean '\($0.name)'?" } ?? ""
}

/// Insertions, deletions and substitutions between two names (Levenshtein).
private func editDistance(_ a: String, _ b: String) -> Int {
    let b = Array(b.utf8)
    var row = Array(0...b.count)
    for (i, character) in a.utf8.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for j in b.indices {
            let substitution = diagonal + (character == b[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(substitution, row[j] + 1, diagonal + 1)
        }
    }
    return row[b.count]
}
