/// HF's `Metaspace`: puts a visible character in the place of blanks, and splits before each of them.
struct MetaspaceSplitter: Sendable, Equatable {
    /// Which words get the character before them if they do not start with it; the raw value is HF's name.
    enum Prepending: String, Sendable, CaseIterable {
        case always, first, never
    }

    let replacement: Unicode.Scalar
    let prepending: Prepending
    let splits: Bool

    /// SentencePiece's mark before every word.
    static let sentencePiece = MetaspaceSplitter(replacement: "\u{2581}", prepending: .always, splits: true)

    func apply<Text: PipelineText>(to split: inout SplitText<Text>) {
        let mark = Array(UTF8Scalar.bytes(of: replacement))
        split.rewriteWords { text, word, output in
            text.bytes.withUnsafeBufferPointer { bytes in
                let startsWithMark = bytes[word.lowerBound] == 0x20 || bytes[word].starts(with: mark)
                let isPrepended =
                    switch prepending {
                    case .always: !startsWithMark
                    case .first: !startsWithMark && text.origin(of: word).lowerBound == 0
                    case .never: false
                    }
                if isPrepended { output.append(contentsOf: mark, from: word.lowerBound, of: text) }
                var start = word.lowerBound
                for place in word where bytes[place] == 0x20 {
                    output.append(start..<place, of: text)
                    output.append(contentsOf: mark, from: place, of: text)
                    start = place + 1
                }
                output.append(start..<word.upperBound, of: text)
            }
        }
        guard splits else { return }
        split.splitWords { text, offset, words in
            var start = 0
            for place in 1..<max(1, text.count) where text[place] == mark[0] && place > start {
                guard text[place...].starts(with: mark) else { continue }
                words.append((offset + start)..<(offset + place))
                start = place
            }
            words.append((offset + start)..<(offset + text.count))
        }
    }
}
