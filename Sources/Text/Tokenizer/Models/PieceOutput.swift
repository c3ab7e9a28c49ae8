/// Takes the pieces of words.
protocol PieceOutput {
    var count: Int { get }
    /// Appends a piece that covers some bytes of the text that the words are in.
    mutating func append(_ id: Int32, _ range: Range<Int>)
    mutating func removeLast(_ count: Int)
    /// Appends an added token that is spelled like a part of `text`, which stands for some bytes of the text that was given.
    mutating func append(
        added id: Int32, spelled range: Range<Int>, of text: UnsafeBufferPointer<UInt8>, at origin: Range<Int>
    )
    /// Moves pieces from places in `text` to those of the text that was given.
    ///
    /// - Parameter model: says which pieces are spelled as the text is, and not as the vocabulary has them.
    mutating func relocate(from first: Int, in text: some PipelineText, _ model: TokenModel)
}

/// The ids alone.
struct IDOutput: PieceOutput {
    var ids: [Int32] = []

    var count: Int { ids.count }

    @inline(__always)
    mutating func append(_ id: Int32, _ range: Range<Int>) { ids.append(id) }

    mutating func removeLast(_ count: Int) { ids.removeLast(count) }

    mutating func append(
        added id: Int32, spelled range: Range<Int>, of text: UnsafeBufferPointer<UInt8>, at origin: Range<Int>
    ) {
        ids.append(id)
    }

    mutating func relocate(from first: Int, in text: some PipelineText, _ model: TokenModel) {}
}

/// Ids and places.
struct SpanOutput: PieceOutput {
    private(set) var spans: [TokenSpan] = []
    /// The spelling of tokens that are spelled as the text is.
    private(set) var spellings: [Int: String] = [:]

    var count: Int { spans.count }

    mutating func append(_ id: Int32, _ range: Range<Int>) { spans.append(TokenSpan(id: id, range: range)) }

    mutating func append(
        added id: Int32, spelled range: Range<Int>, of text: UnsafeBufferPointer<UInt8>, at origin: Range<Int>
    ) {
        spellings[count] = String(decoding: text[range], as: UTF8.self)
        append(id, origin)
    }

    mutating func removeLast(_ count: Int) { spans.removeLast(count) }

    mutating func relocate(from first: Int, in text: some PipelineText, _ model: TokenModel) {
        for index in spans.indices.dropFirst(first) {
            if model.spellsAsText(spans[index].id) {
                spellings[index] = String(utf8: text.bytes[spans[index].range])
            }
            spans[index].range = text.origin(of: spans[index].range)
        }
    }
}

/// A token and where it stands in a text.
package struct TokenSpan: Sendable, Equatable {
    package var id: Int32
    /// Bytes of the text's UTF-8. Empty for a token that stands for nothing in it.
    package var range: Range<Int>

    package init(id: Int32, range: Range<Int>) {
        self.id = id
        self.range = range
    }
}
