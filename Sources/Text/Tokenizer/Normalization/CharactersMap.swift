import Support

/// HF's `Precompiled`: SentencePiece's table of characters and what becomes of them.
///
/// The table is a double array (darts-clone) from UTF-8 to places in a text of replacements that zeros end.
struct CharactersMap: Sendable, Equatable {
    private let units: [UInt32]
    private let replacements: [UInt8]

    /// - Parameter bytes: the double array's size in bytes, 32 bits, the array, and the replacements.
    /// - Returns: `nil` when the bytes are something else.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 4 else { return nil }
        let word = { (place: Int) in
            (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[place + $1]) << (8 * UInt32($1)) }
        }
        let size = Int(word(0))
        guard size >= 4, size.isMultiple(of: 4), size <= bytes.count - 4 else { return nil }
        units = stride(from: 4, to: 4 + size, by: 4).map(word)
        replacements = Array(bytes[(4 + size)...])
        guard String(validating: replacements, as: UTF8.self) != nil else { return nil }
    }

    func apply<Text: PipelineText>(to text: Text, into output: inout Text) {
        var counter = PlaceCounter()
        var changes: [(scalar: Unicode.Scalar, change: Int)] = []
        text.bytes.withUnsafeBufferPointer { bytes in
            forEachCharacter(in: bytes) { character in
                if Text.isTraced {
                    add(character, of: bytes, to: &changes)
                } else {
                    write(character, of: bytes) { output.append($0, from: 0, of: text) }
                }
            }
            for (scalar, change) in changes {
                output.append(scalar, from: counter.place(of: change, in: bytes), of: text)
            }
        }
    }

    // MARK: Characters

    /// Calls `body` with each user-perceived character (extended grapheme cluster).
    private func forEachCharacter(in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) {
        /// Whether there is a boundary between the bytes before and at `place`: between ASCII there always is, but for
        /// a line end.
        func isPlainBoundary(_ place: Int) -> Bool {
            place == text.count
                || text[place - 1] < 0x80 && text[place] < 0x80
                    && !(text[place - 1] == 13 && text[place] == 10)
        }
        var position = 0
        while position < text.count {
            var end = position + 1
            if isPlainBoundary(end), text[position] < 0x80 {
                body(position..<end)
                position = end
                continue
            }
            while !isPlainBoundary(end) { end += 1 }
            for character in String(decoding: text[position..<end], as: UTF8.self) {
                let next = position + character.utf8.count
                body(position..<next)
                position = next
            }
        }
    }

    /// Writes what becomes of a character: short ones are looked up whole, else by scalar.
    private func write(
        _ character: Range<Int>, of text: UnsafeBufferPointer<UInt8>, _ output: (UInt8) -> Void
    ) {
        if character.count < 6, let range = replacement(of: text[character]) {
            for place in range { output(replacements[place]) }
            return
        }
        forEachScalar(of: character, in: text) { part in
            if let range = replacement(of: text[part]) {
                for place in range { output(replacements[place]) }
            } else {
                for place in part { output(text[place]) }
            }
        }
    }

    private func forEachScalar(
        of character: Range<Int>, in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void
    ) {
        var position = character.lowerBound
        while position < character.upperBound {
            let end = position + UTF8Scalar.decode(text, at: position).length
            body(position..<end)
            position = end
        }
    }

    // MARK: Changes

    /// The same as `write`, with how many scalars of the text each new one takes the place of.
    private func add(
        _ character: Range<Int>, of text: UnsafeBufferPointer<UInt8>,
        to changes: inout [(scalar: Unicode.Scalar, change: Int)]
    ) {
        if character.count < 6, let range = replacement(of: text[character]) {
            return add(range, insteadOf: text[character], to: &changes)
        }
        forEachScalar(of: character, in: text) { part in
            if let range = replacement(of: text[part]) {
                add(range, insteadOf: text[part], to: &changes)
            } else {
                changes.append((UTF8Scalar.decode(text, at: part.lowerBound).scalar, 0))
            }
        }
    }

    private func add(
        _ range: Range<Int>, insteadOf old: UnsafeBufferPointer<UInt8>.SubSequence,
        to changes: inout [(scalar: Unicode.Scalar, change: Int)]
    ) {
        let new = String(decoding: replacements[range], as: UTF8.self).unicodeScalars
        let removed = old.count { $0 & 0xC0 != 0x80 } - new.count
        for (index, scalar) in new.enumerated() {
            changes.append((scalar, index < new.count + min(0, removed) ? 0 : 1))
        }
        if removed > 0, !changes.isEmpty { changes[changes.count - 1].change -= removed }
    }

    // MARK: Double array

    /// What stands for the shortest beginning of `key` that is in the table.
    private func replacement(of key: UnsafeBufferPointer<UInt8>.SubSequence) -> Range<Int>? {
        var node = CharactersMap.offset(units[0])
        for byte in key {
            if byte == 0 { break }
            node ^= Int(byte)
            guard node < units.count else { return nil }
            let unit = units[node]
            guard unit & 0x8000_00FF == UInt32(byte) else { return nil }
            node ^= CharactersMap.offset(unit)
            guard node < units.count else { return nil }
            if unit >> 8 & 1 == 1 {
                let start = Int(units[node] & 0x7FFF_FFFF)
                guard start <= replacements.count else { return nil }
                return start..<(replacements[start...].firstIndex(of: 0) ?? replacements.count)
            }
        }
        return nil
    }

    private static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 1 << 9) >> 6) }
}
