import GraphIR

/// Typed access to the fields of a JSON object, with errors that name the file and the field.
///
/// A field that is absent or `null` reads as nil.
struct ConfigFields {
    let file: String
    let object: [String: JSONValue]

    func integer(_ key: BertConfig.Key) throws -> Int? {
        switch object[key.rawValue] {
        case nil, .null?: return nil
        case .integer(let value)?: return value
        case let other?: throw illTyped(key, expected: "an integer", found: other)
        }
    }

    func number(_ key: BertConfig.Key) throws -> Double? {
        switch object[key.rawValue] {
        case nil, .null?: return nil
        case .integer(let value)?: return Double(value)
        case .number(let value)?: return value
        case let other?: throw illTyped(key, expected: "a number", found: other)
        }
    }

    func bool(_ key: BertConfig.Key) throws -> Bool? {
        switch object[key.rawValue] {
        case nil, .null?: return nil
        case .bool(let value)?: return value
        case let other?: throw illTyped(key, expected: "true or false", found: other)
        }
    }

    func string(_ key: BertConfig.Key) throws -> String? {
        switch object[key.rawValue] {
        case nil, .null?: return nil
        case .string(let value)?: return value
        case let other?: throw illTyped(key, expected: "a string", found: other)
        }
    }

    func strings(_ key: BertConfig.Key) throws -> [String]? {
        switch object[key.rawValue] {
        case nil, .null?: return nil
        case .array(let values)?:
            return try values.map { value in
                guard case .string(let text) = value else {
                    throw illTyped(key, expected: "an array of strings", found: value, "holds")
                }
                return text
            }
        case let other?: throw illTyped(key, expected: "an array of strings", found: other)
        }
    }

    func dictionary(_ key: BertConfig.Key) throws -> [String: JSONValue]? {
        switch object[key.rawValue] {
        case nil, .null?: return nil
        case .object(let value)?: return value
        case let other?: throw illTyped(key, expected: "an object", found: other)
        }
    }

    /// A name out of a closed set; an unknown one is refused with the nearest legal name.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: BertConfig.Key, aliases: [String: Choice] = [:]
    ) throws -> Choice? {
        guard let name = try string(key) else { return nil }
        if let choice = Choice(rawValue: name) ?? aliases[name] { return choice }
        let legal = Choice.allCases.map(\.rawValue)
        let hint = nearestName(to: name, among: legal).map { "; did you mean '\($0)'?" } ?? ""
        let list = legal.joined(separator: ", ")
        throw error(key, "is '\(name)', expected one of \(list)\(hint)")
    }

    func error(_ key: BertConfig.Key, _ problem: String) -> BertConfigError {
        BertConfigError(file: file, field: key.rawValue, problem: problem)
    }

    private func illTyped(
        _ key: BertConfig.Key, expected: String, found: JSONValue, _ verb: String = "is"
    ) -> BertConfigError {
        error(key, "\(verb) \(found.kind), expected \(expected)")
    }
}
