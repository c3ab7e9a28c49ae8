import Support

/// The values of a JSON data file, one for each example, with the line that each begins on.
///
/// They are the elements of an array, the lines of a file with one value a line, values one after another, or the
/// elements of the only member of an object that is a list of objects.
struct JSONRecords {
    private(set) var values: [JSONValue] = []
    private(set) var lines: [Int] = []
    private(set) var notes: [String] = []
    /// Whether the file is one object, which may be columns rather than an example.
    let isSingleObject: Bool

    private let path: String
    private let scanner: JSONScanner
    private var line = 1
    private var lineStart = 0
    private var replacedSurrogates = 0

    /// - Throws: `.invalidJSON` with the line and the byte in it.
    init(_ file: SourceFile) throws(TextError) {
        path = file.path
        let scanner = JSONScanner(bytes: file.bytes)
        self.scanner = scanner
        let start = scanner.skipSpace(0)
        guard start < file.bytes.count else {
            throw TextError(.emptyDataset, file: file.path, "holds no examples; expected JSON objects")
        }
        var ranges: [Range<Int>]
        var isSingle = false
        if file.bytes[start] == UInt8(ascii: "["), !Self.isOneValueALine(file, scanner) {
            guard let elements = scanner.elements(ofArrayAt: start) else {
                _ = try file.json()
                throw TextError(.invalidJSON, file: file.path, "is not a JSON array")
            }
            ranges = elements
            if let last = scanner.end(ofValueAt: start), scanner.skipSpace(last) < file.bytes.count {
                _ = try file.json()
            }
        } else if Self.isOneValueALine(file, scanner) {
            ranges = file.lines.map { $0.startIndex..<$0.endIndex }
                .filter { range in scanner.skipSpace(range.lowerBound) < range.upperBound }
            isSingle = ranges.count == 1
        } else {
            ranges = []
            var position = start
            while position < file.bytes.count {
                guard let end = scanner.end(ofValueAt: position) else {
                    // The parser knows better what is wrong.
                    ranges.append(position..<file.bytes.count)
                    break
                }
                ranges.append(position..<end)
                position = scanner.skipSpace(end)
            }
            isSingle = ranges.count == 1
        }
        if isSingle,
            let (name, rows) = try Self.wrapped(scanner, at: scanner.skipSpace(ranges[0].lowerBound), path)
        {
            ranges = rows
            isSingle = false
            notes.append("\(file.path): the examples are those of its member \(name)")
        }
        isSingleObject = isSingle
        for range in ranges { try read(range) }
        if replacedSurrogates > 0 {
            notes.append(
                "\(file.path): \(Formatted.count(replacedSurrogates, "half of a surrogate pair", "halves of surrogate pairs")) became U+FFFD"
            )
        }
    }

    /// Whether a file's first value is JSON rather than text that begins with a bracket.
    static func beginsWithJSON(_ file: SourceFile) -> Bool {
        let scanner = JSONScanner(bytes: file.bytes)
        let start = scanner.skipSpace(0)
        guard start < file.bytes.count, [UInt8(ascii: "{"), UInt8(ascii: "[")].contains(file.bytes[start]),
            let end = scanner.end(ofValueAt: start)
        else { return false }
        let value = try? JSONParser(file.bytes[start..<end], loneSurrogates: .replaced).document().value
        return value?.object != nil || value?.array?.first?.object != nil || value?.array?.first?.array != nil
    }

    /// Whether the first line that is not blank holds a whole value, so that lines and not values one after another are
    /// what counts: a mistake in one is then told from the next. A line of an array alone is the whole file.
    private static func isOneValueALine(_ file: SourceFile, _ scanner: JSONScanner) -> Bool {
        let lines = file.lines.filter { !$0.allSatisfy { $0 == 0x20 || $0 == 0x09 } }
        guard let first = lines.first else { return false }
        let start = scanner.skipSpace(first.startIndex)
        let isArray = file.bytes[start] == UInt8(ascii: "[")
        guard let end = scanner.end(ofValueAt: start) else {
            return !isArray && lines.count > 1 && first.count > 2
        }
        return end <= first.endIndex && (!isArray || lines.count > 1)
    }

    /// The list of examples that an object wraps, as in `{"version": 1, "data": [{…}, …]}`.
    ///
    /// - Throws: `.invalidJSON` when there are several.
    private static func wrapped(
        _ scanner: JSONScanner, at start: Int, _ path: String
    ) throws(TextError) -> (name: String, rows: [Range<Int>])? {
        guard let members = scanner.members(ofObjectAt: start), !isExample(members, scanner) else {
            return nil
        }
        var lists: [(name: String, rows: [Range<Int>])] = []
        for member in members {
            guard let rows = scanner.elements(ofArrayAt: member.value.lowerBound), let first = rows.first,
                [UInt8(ascii: "{"), UInt8(ascii: "[")].contains(scanner.bytes[first.lowerBound])
            else { continue }
            lists.append((String(utf8: scanner.bytes[member.name]), rows))
        }
        let names = lists.map(\.name)
        // pandas' orient="split" has its rows beside the names of their columns.
        if names == ["\"data\""],
            members.contains(where: { scanner.bytes[$0.name].elementsEqual("\"columns\"".utf8) })
        {
            return nil
        }
        guard lists.count < 2 else {
            throw TextError(
                .invalidJSON, file: path,
                "has several lists of examples: \(names.joined(separator: ", ")); write the one to read into a file of its own"
            )
        }
        return lists.first
    }

    /// Whether an object has a text or a list of words of its own, so that a list of objects in it only adds to these.
    /// A text beside a list that is named as one of examples is about the data set.
    private static func isExample(
        _ members: [(name: Range<Int>, value: Range<Int>)], _ scanner: JSONScanner
    ) -> Bool {
        let names = members.map { ColumnNames.folded(String(utf8: scanner.bytes[$0.name])) }
        guard !names.contains(where: ColumnNames.examples.contains) else { return false }
        let quote = UInt8(ascii: "\"")
        return zip(names, members).contains { name, member in
            if scanner.bytes[member.value.lowerBound] == quote {
                return ColumnNames.textRank(name.text) != nil
            }
            guard TaggedNames.words.contains(name),
                let first = scanner.elements(ofArrayAt: member.value.lowerBound)?.first
            else { return false }
            return scanner.bytes[first.lowerBound] == quote
        }
    }

    private mutating func read(_ range: Range<Int>) throws(TextError) {
        for index in lineStart..<range.lowerBound where scanner.bytes[index] == UInt8(ascii: "\n") {
            line += 1
            lineStart = index + 1
        }
        do throws(JSONError) {
            let document = try JSONParser(
                scanner.bytes[range], repeatedNames: .lastCounts, loneSurrogates: .replaced
            ).document()
            values.append(document.value)
            replacedSurrogates += document.replacedSurrogates
        } catch {
            let byte = error.line == 1 ? range.lowerBound - lineStart + error.offset : error.column - 1
            throw TextError(
                .invalidJSON, file: path, line: line + error.line - 1,
                "not valid JSON at byte \(byte) of the line: \(error.reason)")
        }
        lines.append(line)
    }
}
