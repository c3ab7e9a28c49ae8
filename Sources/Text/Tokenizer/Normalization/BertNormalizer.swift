/// The clean-up that comes before splitting: HF's `BertNormalizer`.
///
/// In this order: delete control characters and turn white space into blanks, put blanks around CJK
/// ideographs, strip accents (NFD, then drop the non-spacing marks), lower-case.
struct BertNormalizer: Sendable, Equatable {
    var cleanText = true
    var tokenizeChineseChars = true
    var lowercase = true
    /// `nil` follows `lowercase`, as in the original BERT.
    var stripAccents: Bool?

    private var stripsAccents: Bool { stripAccents ?? lowercase }

    func apply<Text: PipelineText>(to text: Text, into output: inout Text) {
        if Text.isTraced, stripsAccents {
            applyInStages(to: text, into: &output)
        } else {
            applyAtOnce(to: text, into: &output)
        }
    }

    /// The same one after another: marks that change places get the offsets that HF gives them.
    private func applyInStages<Text: PipelineText>(to text: Text, into output: inout Text) {
        var (clean, decomposed, stripped) = (Text(), Text(), Text())
        BertNormalizer(
            cleanText: cleanText, tokenizeChineseChars: tokenizeChineseChars, lowercase: false,
            stripAccents: false
        ).applyAtOnce(to: text, into: &clean)
        NormalForm.decomposed.apply(to: clean, into: &decomposed)
        decomposed.bytes.withUnsafeBufferPointer { bytes in
            UTF8Scalar.forEach(in: bytes) { scalar, place in
                if !UnicodeClasses.isNonspacingMark(scalar) {
                    stripped.append(scalar, from: place, of: decomposed)
                }
            }
        }
        if lowercase {
            LowercaseNormalizer.apply(to: stripped, into: &output)
        } else {
            output.append(0..<stripped.bytes.count, of: stripped)
        }
    }

    private func applyAtOnce<Text: PipelineText>(to text: Text, into output: inout Text) {
        text.bytes.withUnsafeBufferPointer { bytes in
            var marks = PendingMarks()
            var position = 0
            while position < bytes.count {
                let byte = bytes[position]
                if byte < 0x80 {
                    append(ascii: byte, at: position, of: text, marks: &marks, into: &output)
                    position += 1
                } else {
                    let (scalar, length) = UTF8Scalar.decode(bytes, at: position)
                    append(scalar, at: position, of: text, marks: &marks, into: &output)
                    position += length
                }
            }
            flush(&marks, of: text, into: &output)
        }
    }

    @inline(__always)
    private func append<Text: PipelineText>(
        ascii byte: UInt8, at place: Int, of text: Text, marks: inout PendingMarks, into output: inout Text
    ) {
        var byte = byte
        if cleanText, byte < 0x20 || byte == 0x7F {
            guard byte == 0x09 || byte == 0x0A || byte == 0x0D else { return }
            byte = 0x20
        }
        if !marks.isEmpty { flush(&marks, of: text, into: &output) }
        let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
        output.append(lowercase && isUpper ? byte | 0x20 : byte, from: place, of: text)
    }

    private func append<Text: PipelineText>(
        _ scalar: Unicode.Scalar, at place: Int, of text: Text, marks: inout PendingMarks,
        into output: inout Text
    ) {
        func appendBlank() { append(ascii: 0x20, at: place, of: text, marks: &marks, into: &output) }
        if cleanText {
            if UnicodeClasses.isRemoved(scalar) { return }
            if UnicodeClasses.isWhitespace(scalar) { return appendBlank() }
        }
        let isIdeograph = tokenizeChineseChars && UnicodeClasses.isCJK(scalar)
        if isIdeograph { appendBlank() }
        if stripsAccents {
            for part in UnicodeClasses.decomposition(of: scalar) {
                let isDropped = UnicodeClasses.isNonspacingMark(part)
                let combiningClass = Decompositions.combiningClass(of: part)
                if combiningClass == 0 { flush(&marks, of: text, into: &output) }
                if isDropped { continue }
                if combiningClass == 0 {
                    emit(part, at: place, of: text, into: &output)
                } else {
                    marks.insert(part, combiningClass: combiningClass, place: place)
                }
            }
        } else {
            emit(scalar, at: place, of: text, into: &output)
        }
        if isIdeograph { appendBlank() }
    }

    private func flush<Text: PipelineText>(
        _ marks: inout PendingMarks, of text: Text, into output: inout Text
    ) {
        for mark in marks.removeAll() { emit(mark.scalar, at: mark.place, of: text, into: &output) }
    }

    private func emit<Text: PipelineText>(
        _ scalar: Unicode.Scalar, at place: Int, of text: Text, into output: inout Text
    ) {
        if lowercase {
            output.append(contentsOf: scalar.properties.lowercaseMapping.utf8, from: place, of: text)
        } else {
            output.append(scalar, from: place, of: text)
        }
    }
}
