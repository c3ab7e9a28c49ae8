import Foundation

/// What a text goes through before it is split into words: the `normalizer` of a `tokenizer.json`.
struct Normalization: Sendable, Equatable {
    enum Step: Sendable, Equatable {
        case bert(TextNormalizer)
        case form(NormalForm)
        case lowercase
        case stripAccents
        /// Drop the white space at an end of the text.
        case strip(left: Bool, right: Bool)
        /// Put something before a text that is not empty.
        case prepend([UInt8])
        case replace([UInt8], by: [UInt8])
    }

    /// A normal form of Unicode (UAX #15); the raw value is HF's name.
    enum NormalForm: String, Sendable {
        case composed = "NFC"
        case decomposed = "NFD"
        case compatibilityComposed = "NFKC"
        case compatibilityDecomposed = "NFKD"
    }

    var steps: [Step]

    /// BERT's normaliser, when it is all there is.
    var bert: TextNormalizer? {
        guard steps.count == 1, case .bert(let normalizer) = steps[0] else { return nil }
        return normalizer
    }

    /// Appends the normalised form of `text` (UTF-8) to `output`.
    func normalize(_ text: UnsafeBufferPointer<UInt8>, into output: inout [UInt8]) {
        guard let first = steps.first else { return output.append(contentsOf: text) }
        if steps.count == 1 { return first.apply(to: text, into: &output) }
        var current: [UInt8] = []
        first.apply(to: text, into: &current)
        for step in steps.dropFirst() {
            var next: [UInt8] = []
            current.withUnsafeBufferPointer { step.apply(to: $0, into: &next) }
            current = next
        }
        output += current
    }
}

extension Normalization.Step {
    fileprivate func apply(to text: UnsafeBufferPointer<UInt8>, into output: inout [UInt8]) {
        switch self {
        case .bert(let normalizer): normalizer.normalize(text, into: &output)
        case .form(let form): form.apply(to: text, into: &output)
        case .lowercase:
            forEachScalar(of: text) { output.append(contentsOf: $0.properties.lowercaseMapping.utf8) }
        case .stripAccents:
            forEachScalar(of: text) { if !UnicodeClasses.isMark($0) { UTF8Scalar.append($0, to: &output) } }
        case .strip(let left, let right):
            let scalars = Substring(decoding: text, as: UTF8.self).unicodeScalars
            let start =
                left ? scalars.firstIndex { !UnicodeClasses.isWhitespace($0) } : scalars.startIndex
            guard let start else { return }
            let last = right ? scalars.lastIndex { !UnicodeClasses.isWhitespace($0) } : nil
            if right, last == nil { return }
            let end = last.map { scalars.index(after: $0) } ?? scalars.endIndex
            output.append(contentsOf: Substring(scalars[start..<end]).utf8)
        case .prepend(let prefix):
            if !text.isEmpty { output += prefix }
            output.append(contentsOf: text)
        case .replace(let pattern, let content): replace(pattern, by: content, in: text, into: &output)
        }
    }

    private func replace(
        _ pattern: [UInt8], by content: [UInt8], in text: UnsafeBufferPointer<UInt8>,
        into output: inout [UInt8]
    ) {
        var position = 0
        while position < text.count {
            if text[position] == pattern[0], text[position...].starts(with: pattern) {
                output += content
                position += pattern.count
            } else {
                output.append(text[position])
                position += 1
            }
        }
    }
}

extension Normalization.NormalForm {
    fileprivate func apply(to text: UnsafeBufferPointer<UInt8>, into output: inout [UInt8]) {
        if self == .decomposed { return decompose(text, into: &output) }
        // What the tables do not have stays as it is, and nothing combines across it.
        var known = String.UnicodeScalarView()
        forEachScalar(of: text) { scalar in
            if UnicodeClasses.hasNormalForms(scalar) {
                known.append(scalar)
            } else {
                output.append(contentsOf: transformed(String(known)).utf8)
                known.removeAll()
                UTF8Scalar.append(scalar, to: &output)
            }
        }
        output.append(contentsOf: transformed(String(known)).utf8)
    }

    private func transformed(_ text: String) -> String {
        switch self {
        case .composed: text.precomposedStringWithCanonicalMapping
        case .decomposed: text.decomposedStringWithCanonicalMapping
        case .compatibilityComposed: text.precomposedStringWithCompatibilityMapping
        case .compatibilityDecomposed: text.decomposedStringWithCompatibilityMapping
        }
    }

    private func decompose(_ text: UnsafeBufferPointer<UInt8>, into output: inout [UInt8]) {
        var marks = PendingMarks()
        forEachScalar(of: text) { scalar in
            for part in UnicodeClasses.decomposition(of: scalar) {
                let combiningClass = part.properties.canonicalCombiningClass.rawValue
                if combiningClass > 0 {
                    marks.insert(part, combiningClass: combiningClass)
                } else {
                    for mark in marks.removeAll() { UTF8Scalar.append(mark, to: &output) }
                    UTF8Scalar.append(part, to: &output)
                }
            }
        }
        for mark in marks.removeAll() { UTF8Scalar.append(mark, to: &output) }
    }
}

private func forEachScalar(of text: UnsafeBufferPointer<UInt8>, _ body: (Unicode.Scalar) -> Void) {
    var position = 0
    while position < text.count {
        let (scalar, length) = UTF8Scalar.decode(text, at: position)
        position += length
        body(scalar)
    }
}
