/// Finds where the values of a JSON text begin and end, without reading them.
///
/// A value that this finds may still be malformed; a text that it cannot take apart is.
struct JSONScanner {
    let bytes: [UInt8]

    func skipSpace(_ start: Int) -> Int {
        var position = start
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
        return position
    }

    /// The end of the value that begins at `start`; `nil` when there is none before the text ends.
    func end(ofValueAt start: Int) -> Int? {
        guard start < bytes.count else { return nil }
        switch bytes[start] {
        case UInt8(ascii: "\""): return end(ofStringAt: start)
        case UInt8(ascii: "{"), UInt8(ascii: "["): break
        default:
            let end = bytes[start...].firstIndex {
                [0x20, 0x09, 0x0A, 0x0D, 0x2C, 0x5D, 0x7D, 0x7B, 0x5B].contains($0)
            }
            return end == start ? nil : end ?? bytes.count
        }
        var (position, depth) = (start, 0)
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                guard let end = end(ofStringAt: position) else { return nil }
                position = end
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { return position + 1 }
            default: break
            }
            position += 1
        }
        return nil
    }

    /// The elements of the array that begins at `start`; `nil` when it is not one.
    func elements(ofArrayAt start: Int) -> [Range<Int>]? {
        guard start < bytes.count, bytes[start] == UInt8(ascii: "[") else { return nil }
        var elements: [Range<Int>] = []
        var position = skipSpace(start + 1)
        if position < bytes.count, bytes[position] == UInt8(ascii: "]") { return [] }
        while let end = end(ofValueAt: position) {
            elements.append(position..<end)
            position = skipSpace(end)
            guard position < bytes.count else { return nil }
            if bytes[position] == UInt8(ascii: "]") { return elements }
            guard bytes[position] == UInt8(ascii: ",") else { return nil }
            position = skipSpace(position + 1)
        }
        return nil
    }

    /// Names, quotes included, and values of the object that begins at `start`; `nil` when it is not one.
    func members(ofObjectAt start: Int) -> [(name: Range<Int>, value: Range<Int>)]? {
        guard start < bytes.count, bytes[start] == UInt8(ascii: "{") else { return nil }
        var members: [(name: Range<Int>, value: Range<Int>)] = []
        var position = skipSpace(start + 1)
        if position < bytes.count, bytes[position] == UInt8(ascii: "}") { return [] }
        while position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
            guard let nameEnd = end(ofStringAt: position) else { return nil }
            let colon = skipSpace(nameEnd)
            guard colon < bytes.count, bytes[colon] == UInt8(ascii: ":") else { return nil }
            let value = skipSpace(colon + 1)
            guard let end = end(ofValueAt: value) else { return nil }
            members.append((position..<nameEnd, value..<end))
            position = skipSpace(end)
            guard position < bytes.count else { return nil }
            if bytes[position] == UInt8(ascii: "}") { return members }
            guard bytes[position] == UInt8(ascii: ",") else { return nil }
            position = skipSpace(position + 1)
        }
        return nil
    }

    private func end(ofStringAt start: Int) -> Int? {
        var position = start + 1
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""): return position + 1
            case UInt8(ascii: "\\"): position += 2
            default: position += 1
            }
        }
        return nil
    }
}
