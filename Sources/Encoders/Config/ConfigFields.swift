import Foundation
import GraphIR
import Support

/// Typed access to the fields of a JSON object, with errors that name the file and the field.
///
/// A field that is absent or `null` reads as nil.
struct ConfigFields<Key: RawRepresentable<String>> {
    let file: String
    let object: JSONObject
    /// Keys with another name in the file.
    private var names: [String: String] = [:]
    /// The keys among these that may have their own name too.
    private var aliases: Set<String> = []
    /// Keys that mean nothing in the file.
    private var ignored: Set<String> = []

    init(file: String, object: JSONObject) {
        self.file = file
        self.object = object
    }

    /// What a key is called in the file, with its own name where that is understood too; empty when it means nothing.
    func spellings(of key: Key) -> [String] {
        guard !ignored.contains(key.rawValue) else { return [] }
        guard let name = names[key.rawValue] else { return [key.rawValue] }
        return aliases.contains(key.rawValue) ? [name, key.rawValue] : [name]
    }

    /// What the file has under a key.
    func value(_ key: Key) -> JSONValue? { spellings(of: key).lazy.compactMap { object[$0] }.first }

    func integer(_ key: Key) throws -> Int? { try value(key, "an integer") { $0.integer } }

    func number(_ key: Key) throws -> Double? { try value(key, "a number") { $0.double } }

    func bool(_ key: Key) throws -> Bool? {
        try value(key, "true or false") { if case .bool(let value) = $0 { value } else { nil } }
    }

    func string(_ key: Key) throws -> String? { try value(key, "a string") { $0.string } }

    func strings(_ key: Key) throws -> [String]? {
        let expected = "an array of strings"
        let values = try value(key, expected) { if case .array(let values) = $0 { values } else { nil } }
        return try values?.map { value in
            guard let text = value.string else {
                throw illTyped(key, expected: expected, found: value, "holds")
            }
            return text
        }
    }

    func object(_ key: Key) throws -> JSONObject? {
        try value(key, "an object") { if case .object(let value) = $0 { value } else { nil } }
    }

    /// The value of a field as `read` has it, which returns nil for a value of another type.
    private func value<Value>(
        _ key: Key, _ expected: String, _ read: (JSONValue) -> Value?
    ) throws -> Value? {
        guard let json = value(key), json != .null else { return nil }
        guard let value = read(json) else { throw illTyped(key, expected: expected, found: json) }
        return value
    }

    /// A name out of a closed set; an unknown one is refused with the nearest legal name.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: Key, aliases: [String: Choice] = [:]
    ) throws -> Choice? {
        guard let name = try string(key) else { return nil }
        if let choice = Choice(rawValue: name) ?? aliases[name] { return choice }
        let legal = Choice.allCases.map(\.rawValue)
        let hint = nearestName(to: name, among: legal).map { "; did you mean '\($0)'?" } ?? ""
        let list = legal.joined(separator: ", ")
        throw error(key, "is '\(name)', expected one of \(list)\(hint)")
    }

    /// A mask for all layers, or an array with one per layer; empty for none.
    func masks(_ key: Key) throws -> [AttentionMask] {
        switch value(key) {
        case nil, .null?: return []
        case .array(let masks)?: return try masks.map { try mask($0, of: key) }
        case let mask?: return [try self.mask(mask, of: key)]
        }
    }

    /// A mask in text form, or `{"file": …}` with the place of a mask file, relative to that of the configuration.
    private func mask(_ value: JSONValue, of key: Key) throws -> AttentionMask {
        do {
            switch value {
            case .string(let text): return try AttentionMask(parsing: text)
            case .object(let members):
                guard members.members.count == 1, case .string(let name)? = members["file"] else {
                    throw error(
                        key, "is an object, expected {\"file\": \"…\"} or a text such as 'window(w=4)'")
                }
                let url = URL(
                    fileURLWithPath: name, relativeTo: URL(file: file).deletingLastPathComponent())
                guard let text = try? String(contentsOf: url, encoding: .utf8) else {
                    throw error(key, "names a file that cannot be read as text: \(url.path)")
                }
                return try AttentionMask(parsingFile: text, file: url.path)
            case let other:
                throw illTyped(key, expected: "a text such as 'window(w=4)' or an object", found: other)
            }
        } catch let problem as IRError {
            let place = problem.place.isEmpty ? "" : "\(problem.place): "
            throw error(key, "cannot be read: \(place)\(problem.message)")
        }
    }

    func error(_ key: Key, _ problem: String) -> ConfigError {
        ConfigError(file: file, field: spellings(of: key).first ?? key.rawValue, problem: problem)
    }

    private func illTyped(
        _ key: Key, expected: String, found: JSONValue, _ verb: String = "is"
    ) -> ConfigError {
        error(key, "\(verb) \(found.kind), expected \(expected)")
    }
}

extension ConfigFields<EncoderConfig.Key> {
    /// The fields of a family's `config.json`.
    init(file: String, object: JSONObject, _ keys: ConfigKeys) {
        self.init(file: file, object: object)
        names = Dictionary(uniqueKeysWithValues: keys.names.map { ($0.key.rawValue, $0.value) })
        aliases = Set(keys.aliases.map(\.rawValue))
        ignored = Set(keys.ignored.map(\.rawValue))
    }
}
