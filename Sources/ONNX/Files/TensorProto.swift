import Support

/// A tensor of the file (`TensorProto`): where its numbers are, and what they mean.
struct TensorProto {
    enum Content {
        case raw(Bytes)
        /// Lists of the message: integers, or the bits of floats.
        case ints([Int])
        case floats([UInt64])
        case doubles([UInt64])
        case strings(Int)
        case external(location: String, offset: Int, length: Int?)
        case none
    }

    var name = ""
    var shape: [Int] = []
    var elementNumber = 0
    var content = Content.none

    init(_ bytes: Bytes) throws(ProtobufDamage) {
        var (ints, floats, doubles): ([Int], [UInt64], [UInt64]) = ([], [], [])
        var (raw, strings, isExternal): (Bytes?, Int, Bool) = (nil, 0, false)
        var external: [String: String] = [:]
        var isSegment = false
        try readFields(bytes) { field, value throws(ProtobufDamage) in
            switch field {
            case 1: try value.append(to: &shape)
            case 2: elementNumber = try value.int()
            case 3: isSegment = true
            case 4: try value.append(to: &floats, size: 4)
            case 5, 7, 11: try value.append(to: &ints)
            case 6: strings += 1
            case 8: name = try value.text()
            case 9: raw = try value.message()
            case 10: try value.append(to: &doubles, size: 8)
            case 13:
                var (key, text) = ("", "")
                try readFields(try value.message()) { field, value throws(ProtobufDamage) in
                    if field == 1 { key = try value.text() }
                    if field == 2 { text = try value.text() }
                }
                external[key] = text
            case 14: isExternal = try value.int() == 1
            default: break
            }
        }
        if isSegment { throw ProtobufDamage() }
        if isExternal {
            func number(_ key: String) throws(ProtobufDamage) -> Int? {
                guard let text = external[key] else { return nil }
                guard let number = Int(text), number >= 0 else { throw ProtobufDamage() }
                return number
            }
            guard let location = external["location"] else { throw ProtobufDamage() }
            content = .external(
                location: location, offset: try number("offset") ?? 0, length: try number("length"))
        } else if let raw {
            content = .raw(raw)
        } else if !floats.isEmpty {
            content = .floats(floats)
        } else if !doubles.isEmpty {
            content = .doubles(doubles)
        } else if !ints.isEmpty {
            content = .ints(ints)
        } else if strings > 0 {
            content = .strings(strings)
        }
    }
}
