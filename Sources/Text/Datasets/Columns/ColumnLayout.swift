/// Which columns of a data set are read.
package struct ColumnLayout: Sendable, Equatable {
    /// Names of all columns, from a header or from JSON; `nil` without.
    var names: [String]?
    var count: Int
    var text: Int
    var pair: Int?
    var label: Int?
    /// The column of weights.
    var weight: Int?

    /// Whether the columns are members of JSON objects, which have no numbers.
    var isJSON = false

    /// A column as messages and settings call it.
    func title(_ column: Int) -> String { Self.title(column, names, isJSON: isJSON) }

    static func title(_ column: Int, _ names: [String]?, isJSON: Bool) -> String {
        guard let name = names?[column], isJSON || !name.isEmpty else { return "column \(column)" }
        return isJSON ? "\"\(name)\"" : "column \(column) \"\(name)\""
    }
}

/// What a data set's labels are for.
package enum LabelUse: Sendable, Equatable {
    /// They are not looked at.
    case unused
    /// They are read if they are there; then every example has one.
    case ifPresent
    /// They are names or numbers of classes. Examples without one are left out.
    case classes
    /// They are numbers to be predicted. Examples without one are left out.
    case numbers
    /// They are any number of classes for each example: a list of JSON, or a text with separators.
    case sets

    var isRequired: Bool {
        switch self {
        case .classes, .numbers, .sets: true
        case .unused, .ifPresent: false
        }
    }
}
