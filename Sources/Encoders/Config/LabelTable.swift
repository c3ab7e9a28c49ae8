import Support

/// The names of a classifier's outputs out of `id2label`, `label2id` and `num_labels`, as Transformers reads them:
/// `id2label` counts where it says something, whatever the two others say.
struct LabelTable {
    /// Names in the order of their ids; empty when the file has none and is of no classifier.
    private(set) var names: [String] = []
    /// Where the file contradicts itself.
    private(set) var remarks: [String] = []

    init(_ fields: ConfigFields<EncoderConfig.Key>, isClassifier: Bool) throws {
        let count = try fields.integer(.labelCount)
        if let count, count <= 0 || count > 1_000_000 {
            throw fields.error(.labelCount, "is \(count), expected 1 to 1000000")
        }
        let byID = try Self.namesByID(fields)
        let byName = try fields.object(.labelIDs).flatMap { $0.members.isEmpty ? nil : $0.members }
        if let byID {
            names = try take(byID, fields)
            if let byName, !agrees(byName) {
                remarks.append("label2id is not the inverse of id2label, which counts")
            }
        } else if let byName {
            names = try Self.names(in: byName, fields)
        } else {
            names = (0..<(count ?? (isClassifier ? 2 : 0))).map(Self.placeholder)
        }
        if let count, count != names.count {
            remarks.append("num_labels is \(count), but \(names.count) labels have names, which counts")
        }
    }

    /// The name of an output that has none, as Transformers makes it.
    static func placeholder(_ id: Int) -> String { "LABEL_\(id)" }

    /// The entries of `id2label`; nil when it is absent or empty.
    private static func namesByID(_ fields: ConfigFields<EncoderConfig.Key>) throws -> [Int: String]? {
        guard let table = try fields.object(.labelNames), !table.members.isEmpty else { return nil }
        var names: [Int: String] = [:]
        for (key, value) in table.members {
            guard let id = Int(key) else {
                throw fields.error(
                    .labelNames, "has the key \"\(key)\", expected ids; a map of names to ids is label2id")
            }
            switch value {
            case .string(let name): names[id] = name
            case .number(let number): names[id] = number.description
            case .null, .bool, .array, .object:
                throw fields.error(.labelNames, "has \(value.kind) for \"\(key)\", expected a text")
            }
        }
        return names
    }

    /// As many outputs as there are names; one without a name is a placeholder.
    private mutating func take(
        _ table: [Int: String], _ fields: ConfigFields<EncoderConfig.Key>
    ) throws -> [String] {
        let outside = table.keys.filter { !(0..<table.count).contains($0) }.sorted()
        if let id = outside.first {
            remarks.append(
                "id2label has \(table.count) names, one of them for id \(id), which there is no output for; outputs "
                    + "without a name are called LABEL_ and their id")
        }
        let names = (0..<table.count).map { table[$0] ?? Self.placeholder($0) }
        var seen: Set<TextKey> = []
        if let twice = names.first(where: { !seen.insert(TextKey($0)).inserted }) {
            remarks.append("id2label gives several ids the name '\(twice)'")
        }
        return names
    }

    /// The names of a `label2id` that stands alone, whose ids must be 0 to n - 1.
    private static func names(
        in members: [JSONObject.Member], _ fields: ConfigFields<EncoderConfig.Key>
    ) throws -> [String] {
        var names = [String?](repeating: nil, count: members.count)
        for (name, value) in members {
            guard let id = id(value), names.indices.contains(id), names[id] == nil else {
                throw fields.error(
                    .labelIDs,
                    "gives '\(name)' no id of its own; expected each of 0 to \(members.count - 1) once")
            }
            names[id] = name
        }
        return names.compactMap { $0 }
    }

    /// A number, or a text that is one.
    private static func id(_ value: JSONValue) -> Int? { value.integer ?? value.string.flatMap { Int($0) } }

    /// Whether a `label2id` gives every name an id that has this name, and every id has a name in it.
    private func agrees(_ members: [JSONObject.Member]) -> Bool {
        Set(names.map { TextKey($0) }).count == members.count
            && members.allSatisfy { name, value in
                Self.id(value).map { names.indices.contains($0) && names[$0].hasSameCodePoints(as: name) }
                    ?? false
            }
    }
}
