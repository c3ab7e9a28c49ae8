/// `"; did you mean 'matmul'?"` when one of `names` is a likely meaning of `name`, else nothing.
package func suggestion(for name: String, in names: some Sequence<String>) -> String {
    nearestName(to: name, among: Array(names), limit: max(1, name.utf8.count / 3))
        .map { "; did you mean '\($0)'?" } ?? ""
}
