import Support

/// How labels of data meet the classes of a model: by name or, where none of them is a name, by id.
///
/// Ids are 0 to n - 1, or Transformers' placeholders LABEL_0 to LABEL_n-1.
package struct LabelMeeting: Sendable {
    /// What the data call the classes, in the order of their ids; nil when they are called by their names, or when they
    /// are other classes.
    package let spellings: [String]?
    /// What to know, when classes with names are called by their ids.
    package let note: String?

    /// - Parameters:
    ///   - data: the labels of examples.
    ///   - names: the names of the classes, in the order of their ids.
    ///   - isWhole: whether each id must be among the labels.
    package init(of data: some Sequence<String>, names: [String], isWhole: Bool = false) {
        let labels = Set(data.lazy.map { TextKey($0) })
        let known = Set(names.lazy.map { TextKey($0) })
        let ids = names.indices.map { "\($0)" }
        let placeholders = names.indices.map { "LABEL_\($0)" }
        // Names that are numbers themselves are never taken for ids.
        let areNumbers = names.allSatisfy { Int($0) != nil }
        let ways = (areNumbers ? [] : [ids]) + [placeholders]
        guard !labels.isEmpty, labels.isDisjoint(with: known),
            let way = ways.first(where: { way in
                let keys = Set(way.lazy.map { TextKey($0) })
                return isWhole ? labels == keys : labels.isSubset(of: keys)
            })
        else {
            (spellings, note) = (nil, nil)
            return
        }
        spellings = way
        let hasNames = known != Set(placeholders.lazy.map { TextKey($0) })
        let shown = names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
        note =
            hasNames
            ? "the data's labels \(way[0]) to \(way[way.count - 1]) are taken for the ids of the model's classes: \(shown)"
            : nil
    }

    /// Whether the names are Transformers' placeholders.
    package static func arePlaceholders(_ names: [String]) -> Bool {
        !names.isEmpty && names.enumerated().allSatisfy { $1.hasSameCodePoints(as: "LABEL_\($0)") }
    }
}
