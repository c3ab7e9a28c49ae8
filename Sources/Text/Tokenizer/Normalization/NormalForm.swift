/// A normal form of Unicode (UAX #15); the raw value is HF's name.
enum NormalForm: String, Sendable {
    case composed = "NFC"
    case decomposed = "NFD"
    case compatibilityComposed = "NFKC"
    case compatibilityDecomposed = "NFKD"

    private var isCompatible: Bool { self == .compatibilityComposed || self == .compatibilityDecomposed }
    private var composes: Bool { self == .composed || self == .compatibilityComposed }

    func apply<Text: PipelineText>(to text: Text, into output: inout Text) {
        text.bytes.withUnsafeBufferPointer { bytes in
            var writer = Writer(text: text, composer: composes ? Composer() : nil)
            var position = 0
            while position < bytes.count {
                let start = position
                while position < bytes.count, bytes[position] < 0x80 { position += 1 }
                // What follows may compose with the last of them.
                let end = position < bytes.count ? max(start, position - 1) : position
                if end > start {
                    writer.flush(in: bytes, into: &output)
                    output.append(start..<end, of: text)
                    writer.counter.skip(to: end)
                }
                position = end
                guard position < bytes.count else { break }
                repeat {
                    let (scalar, length) = UTF8Scalar.decode(bytes, at: position)
                    position += length
                    write(scalar, to: &writer, in: bytes, into: &output)
                } while position < bytes.count && bytes[position] >= 0x80
            }
            writer.flush(in: bytes, into: &output)
        }
    }

    private func write<Text: PipelineText>(
        _ scalar: Unicode.Scalar, to writer: inout Writer<Text>, in bytes: UnsafeBufferPointer<UInt8>,
        into output: inout Text
    ) {
        let parts =
            isCompatible ? Decompositions.compatible(of: scalar) : UnicodeClasses.decomposition(of: scalar)
        for (index, part) in parts.enumerated() {
            writer.add(ChangedScalar(part, change: index == 0 ? 0 : 1), in: bytes, into: &output)
        }
    }
}

/// A scalar of a new text, and how many scalars of the old one it takes the place of: see `PlaceCounter`.
struct ChangedScalar {
    var scalar: Unicode.Scalar
    var change: Int
    let combiningClass: UInt8

    init(_ scalar: Unicode.Scalar, change: Int) {
        self.scalar = scalar
        self.change = change
        combiningClass = Decompositions.combiningClass(of: scalar)
    }
}

/// Puts marks in their order, composes if asked to, and writes.
private struct Writer<Text: PipelineText> {
    let text: Text
    var composer: Composer?
    var counter = PlaceCounter()
    /// The marks since the last base character.
    private var marks: [ChangedScalar] = []

    init(text: Text, composer: Composer?) {
        self.text = text
        self.composer = composer
    }

    mutating func add(
        _ scalar: ChangedScalar, in bytes: UnsafeBufferPointer<UInt8>, into output: inout Text
    ) {
        if scalar.combiningClass > 0 { return marks.append(scalar) }
        flushMarks(in: bytes, into: &output)
        compose(scalar, in: bytes, into: &output)
    }

    mutating func flush(in bytes: UnsafeBufferPointer<UInt8>, into output: inout Text) {
        flushMarks(in: bytes, into: &output)
        for scalar in composer?.removeAll() ?? [] { write(scalar, in: bytes, into: &output) }
    }

    private mutating func flushMarks(in bytes: UnsafeBufferPointer<UInt8>, into output: inout Text) {
        guard !marks.isEmpty else { return }
        let isSorted = zip(marks, marks.dropFirst()).allSatisfy { $0.combiningClass <= $1.combiningClass }
        if !isSorted {
            marks = marks.enumerated().sorted {
                ($0.element.combiningClass, $0.offset) < ($1.element.combiningClass, $1.offset)
            }.map(\.element)
        }
        for mark in marks { compose(mark, in: bytes, into: &output) }
        marks.removeAll(keepingCapacity: true)
    }

    private mutating func compose(
        _ scalar: ChangedScalar, in bytes: UnsafeBufferPointer<UInt8>, into output: inout Text
    ) {
        guard composer != nil else { return write(scalar, in: bytes, into: &output) }
        for ready in composer?.add(scalar) ?? [] { write(ready, in: bytes, into: &output) }
    }

    private mutating func write(
        _ scalar: ChangedScalar, in bytes: UnsafeBufferPointer<UInt8>, into output: inout Text
    ) {
        let place = Text.isTraced ? counter.place(of: scalar.change, in: bytes) : 0
        output.append(scalar.scalar, from: place, of: text)
    }
}
