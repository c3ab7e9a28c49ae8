/// HF's `Whitespace`: runs of letters and digits, and runs of everything else but white space: `\w+|[^\w\s]+`.
enum WordsAndSymbolsSplitter {
    private enum Class { case space, word, symbol }

    static func apply<Text: PipelineText>(to split: inout SplitText<Text>) {
        split.splitWords { text, offset, words in
            var start = 0
            var last = Class.space
            UTF8Scalar.forEach(in: text) { scalar, position in
                let kind: Class =
                    UnicodeClasses.isWord(scalar)
                    ? .word : UnicodeClasses.isWhitespace(scalar) ? .space : .symbol
                guard kind != last else { return }
                if last != .space { words.append((offset + start)..<(offset + position)) }
                (start, last) = (position, kind)
            }
            if last != .space { words.append((offset + start)..<(offset + text.count)) }
        }
    }
}
