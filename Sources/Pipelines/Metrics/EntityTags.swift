import Support

/// What the labels of words say about entities: where in one a word stands, and the entity's type.
///
/// - `B-PER`, `I-PER`, `O` (IOB1, IOB2), also with E and S (IOBES), L and U (BILOU), M (BMES): a letter, then the type.
///   L is E, U is S, M is I. An underscore may stand for the hyphen, and the type may be missing.
/// - `PER-B`, `PER-I`: the same with the letter at the end, when no label has it in front.
/// - `PER`, `O` (IO): other labels are types, and words in a row with the same one are an entity.
///
/// Labels are compared by their code points.
package struct EntityTags: Hashable, Sendable {
    enum Place { case outside, begin, inside, end, single }

    struct Tag: Hashable, Sendable {
        let place: Place
        let type: Int

        static let outside = Tag(place: .outside, type: -1)
    }

    /// By the label's index.
    let tags: [Tag]
    /// What to know about labels that are in none of the usual schemes; `nil` for those that are.
    package let note: String?

    package init(_ labels: [String]) {
        let parts = labels.map(Self.parts)
        // E-MAIL alone is a type: every scheme has B or I.
        let hasPrefixes = parts.contains { $0.prefix?.place == .begin || $0.prefix?.place == .inside }
        let hasSuffixes =
            !hasPrefixes && parts.contains { $0.suffix != nil }
            && zip(labels, parts).allSatisfy { $1.suffix != nil || Self.isOutside($0) }
        var types: [TextKey: Int] = [:]
        func type(_ name: some StringProtocol) -> Int {
            let next = types.count
            return types[TextKey(name)]
                ?? {
                    types[TextKey(name)] = next
                    return next
                }()
        }
        var plain: String?
        tags = zip(labels, parts).map { label, parts in
            if Self.isOutside(label) { return .outside }
            if let (place, name) = hasSuffixes ? parts.suffix : hasPrefixes ? parts.prefix : nil {
                return Tag(place: place, type: type(name))
            }
            plain = plain ?? label
            return Tag(place: .inside, type: type(label))
        }
        note = plain.map {
            "label \"\($0)\" has no prefix such as B- or I-: consecutive words with it count as one entity"
        }
    }

    /// Whether one of these labels belongs to an entity.
    package func hasEntity(_ labels: some Sequence<Int32>) -> Bool {
        labels.contains { tags[Int($0)].place != .outside }
    }

    private static func isOutside(_ label: String) -> Bool {
        label.hasSameCodePoints(as: "O") || label.hasSameCodePoints(as: ".") || label.isEmpty
    }

    private typealias Part = (place: Place, type: String)

    /// The letter in front and the rest, and the letter at the end and the rest.
    private static func parts(_ label: String) -> (prefix: Part?, suffix: Part?) {
        let scalars = label.unicodeScalars
        func part(_ letter: Unicode.Scalar?, _ separator: Unicode.Scalar?, _ rest: Substring) -> Part? {
            guard let letter, let place = place(letter),
                separator.map({ $0 == "-" || $0 == "_" }) ?? rest.isEmpty
            else { return nil }
            return (place, String(rest))
        }
        let front = scalars.dropFirst()
        let back = scalars.dropLast()
        return (
            part(scalars.first, front.first, Substring(front.dropFirst())),
            scalars.count < 3 ? nil : part(scalars.last, back.last, Substring(back.dropLast()))
        )
    }

    private static func place(_ letter: Unicode.Scalar) -> Place? {
        switch letter {
        case "B": .begin
        case "I", "M": .inside
        case "E", "L": .end
        case "S", "U": .single
        default: nil
        }
    }
}
