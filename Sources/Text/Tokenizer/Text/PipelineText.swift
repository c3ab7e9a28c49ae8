/// A text on its way through the steps of a tokeniser: UTF-8, with or without where each byte came from.
///
/// Steps are generic over it, so that there is one code for each of them, and the ids of a text are found without the
/// cost of its offsets. Steps read one text and write the next; what they write names a place in the text that they
/// read.
protocol PipelineText {
    var bytes: [UInt8] { get }

    init()
    mutating func removeAll()
    /// Appends bytes that stand for the byte at `place` of `source`; a negative place stands for the text's start.
    mutating func append(contentsOf bytes: some Sequence<UInt8>, from place: Int, of source: Self)
    mutating func append(_ byte: UInt8, from place: Int, of source: Self)
    /// Appends a part of `source` as it is.
    mutating func append(_ range: Range<Int>, of source: Self)
    /// Whether places mean something.
    static var isTraced: Bool { get }
    /// The bytes of the text that was given that a part of this one stands for; the part itself if it is not traced.
    func origin(of range: Range<Int>) -> Range<Int>
    /// Takes a part of the text that was given, which starts there at `offset`.
    mutating func load(_ part: UnsafeBufferPointer<UInt8>, at offset: Int)
}

/// Bytes of the text that a tokeniser was given.
struct Origin: Equatable {
    var start: Int32
    var end: Int32
}

extension PipelineText {
    @inline(__always)
    mutating func append(_ scalar: Unicode.Scalar, from place: Int, of source: Self) {
        if scalar.value < 0x80 {
            append(UInt8(scalar.value), from: place, of: source)
        } else {
            append(contentsOf: UTF8Scalar.bytes(of: scalar), from: place, of: source)
        }
    }
}

/// The text alone.
struct UntracedText: PipelineText {
    private(set) var bytes: [UInt8] = []

    static var isTraced: Bool { false }

    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    mutating func load(_ part: UnsafeBufferPointer<UInt8>, at offset: Int) {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: part)
    }

    @inline(__always)
    mutating func append(contentsOf bytes: some Sequence<UInt8>, from place: Int, of source: UntracedText) {
        self.bytes.append(contentsOf: bytes)
    }

    @inline(__always)
    mutating func append(_ byte: UInt8, from place: Int, of source: UntracedText) { bytes.append(byte) }

    mutating func append(_ range: Range<Int>, of source: UntracedText) {
        bytes.append(contentsOf: source.bytes[range])
    }

    func origin(of range: Range<Int>) -> Range<Int> { range }
}

/// The text, and for each byte the scalar of the first text that it stands for.
struct TracedText: PipelineText {
    private(set) var bytes: [UInt8] = []
    private var origins: [Origin] = []

    static var isTraced: Bool { true }

    mutating func load(_ text: UnsafeBufferPointer<UInt8>, at offset: Int) {
        removeAll()
        bytes.append(contentsOf: text)
        origins.reserveCapacity(text.count)
        var position = 0
        while position < text.count {
            let length = UTF8Scalar.decode(text, at: position).length
            let origin = Origin(start: Int32(offset + position), end: Int32(offset + position + length))
            for _ in 0..<length { origins.append(origin) }
            position += length
        }
    }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        origins.removeAll(keepingCapacity: true)
    }

    mutating func append(contentsOf bytes: some Sequence<UInt8>, from place: Int, of source: TracedText) {
        for byte in bytes { append(byte, from: place, of: source) }
    }

    mutating func append(_ byte: UInt8, from place: Int, of source: TracedText) {
        bytes.append(byte)
        if place >= 0 {
            origins.append(source.origins[place])
        } else {
            let start = source.origins.first?.start ?? 0
            origins.append(Origin(start: start, end: start))
        }
    }

    mutating func append(_ range: Range<Int>, of source: TracedText) {
        bytes.append(contentsOf: source.bytes[range])
        origins.append(contentsOf: source.origins[range])
    }

    func origin(of range: Range<Int>) -> Range<Int> {
        let range = range.clamped(to: 0..<bytes.count)
        guard let first = range.first, let last = range.last else { return 0..<0 }
        let start = Int(origins[first].start)
        return start..<max(start, Int(origins[last].end))
    }
}
