/// The clean-up that comes before splitting: HF's `BertNormalizer`.
///
/// In this order: delete control characters and turn white space into blanks, put blanks around CJK
/// ideographs, strip accents (NFD, then drop the non-spacing marks), lower-case.
struct TextNormalizer: Sendable, Equatable {
    var cleanText = true
    var tokenizeChineseChars = true
    var lowercase = true
    /// `nil` follows `lowercase`, as in the original BERT.
    var stripAccents: Bool?

    private var stripsAccents: Bool { stripAccents ?? lowercase }

    /// Appends the normalised form of `text` (UTF-8) to `output`.
    func normalize(_ text: UnsafeBufferPointer<UInt8>, into output: inout [UInt8]) {
        var marks = PendingMarks()
        var position = 0
        while position < text.count {
            let byte = text[position]
            if byte < 0x80 {
                position += 1
                appendASCII(byte, marks: &marks, into: &output)
            } else {
                let (scalar, length) = UTF8Scalar.decode(text, at: position)
                position += length
                append(scalar, marks: &marks, into: &output)
            }
        }
        flush(&marks, into: &output)
    }

    @inline(__always)
    private func appendASCII(_ byte: UInt8, marks: inout PendingMarks, into output: inout [UInt8]) {
        var byte = byte
        if cleanText, byte < 0x20 || byte == 0x7F {
            guard byte == 0x09 || byte == 0x0A || byte == 0x0D else { return }
            byte = 0x20
        }
        if !marks.isEmpty { flush(&marks, into: &output) }
        let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
        output.append(lowercase && isUpper ? byte | 0x20 : byte)
    }

    private func append(_ scalar: Unicode.Scalar, marks: inout PendingMarks, into output: inout [UInt8]) {
        if cleanText {
            if UnicodeClasses.isRemoved(scalar) { return }
            if UnicodeClasses.isWhitespace(scalar) {
                return appendASCII(0x20, marks: &marks, into: &output)
            }
        }
        let isIdeograph = tokenizeChineseChars && UnicodeClasses.isCJK(scalar)
        if isIdeograph { appendASCII(0x20, marks: &marks, into: &output) }
        if stripsAccents {
            for part in UnicodeClasses.decomposition(of: scalar) {
                let isDropped = UnicodeClasses.isNonspacingMark(part)
                let combiningClass = part.properties.canonicalCombiningClass.rawValue
                if combiningClass == 0 { flush(&marks, into: &output) }
                if isDropped { continue }
                if combiningClass == 0 {
                    emit(part, into: &output)
                } else {
                    marks.insert(part, combiningClass: combiningClass)
                }
            }
        } else {
            emit(scalar, into: &output)
        }
        if isIdeograph { appendASCII(0x20, marks: &marks, into: &output) }
    }

    private func flush(_ marks: inout PendingMarks, into output: inout [UInt8]) {
        for mark in marks.removeAll() { emit(mark, into: &output) }
    }

    private func emit(_ scalar: Unicode.Scalar, into output: inout [UInt8]) {
        if lowercase {
            output.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
        } else {
            UTF8Scalar.append(scalar, to: &output)
        }
    }
}
