/// A column of a data file, by the name in its header or by its number counted from 0.
package enum ColumnSelector: Sendable, Equatable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case name(String)
    case index(Int)

    /// Digits are a number, anything else is a name.
    package init(_ text: String) {
        self = Int(text).map(ColumnSelector.index) ?? .name(text)
    }

    package init(stringLiteral value: String) { self = .name(value) }
    package init(integerLiteral value: Int) { self = .index(value) }

    var name: String? { if case .name(let name) = self { name } else { nil } }
}
