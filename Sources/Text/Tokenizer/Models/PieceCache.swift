import Foundation

/// The pieces of words that were split before. It has a place for each hash; a new word takes the place of an old one.
struct PieceCache: Sendable {
    private struct Entry {
        var hash: UInt64 = 0
        var word: Range<Int32> = 0..<0
        var pieces: Range<Int32> = 0..<0
    }

    private var entries: [Entry]
    private var bytes: [UInt8] = []
    private var pieces: [Piece] = []
    /// What a word is split into, before it has a place in the cache.
    private var fresh: [Piece] = []
    private var scratch = SplitScratch()

    /// Longer words are not kept.
    private static let longest = 256
    private static let slots = 1 << 15
    /// The cache starts anew when it holds so many bytes of words.
    private static let capacity = 1 << 20

    init() { entries = [] }

    /// Appends the pieces of words, which `model` finds if they are not known.
    ///
    /// - Note: the model is a parameter all the way, not captured: threads that share it would else count their references
    ///   to it with every word, and wait for each other.
    mutating func append<Model: WordSplittingModel, Output: PieceOutput>(
        _ words: [Range<Int>], in text: UnsafeBufferPointer<UInt8>, to output: inout Output, _ model: Model
    ) {
        for word in words { append(word, in: text, to: &output, model) }
    }

    @inline(__always)
    private mutating func append<Model: WordSplittingModel, Output: PieceOutput>(
        _ word: Range<Int>, in text: UnsafeBufferPointer<UInt8>, to output: inout Output, _ model: Model
    ) {
        let part = UnsafeBufferPointer(rebasing: text[word])
        guard part.count <= PieceCache.longest else {
            fresh.removeAll(keepingCapacity: true)
            model.split(part, &fresh, &scratch)
            return write(fresh[...], of: word, to: &output)
        }
        if entries.isEmpty { entries = Array(repeating: Entry(), count: PieceCache.slots) }
        let hash = PieceCache.hash(part)
        let slot = Int(truncatingIfNeeded: hash >> 48) & (PieceCache.slots - 1)
        if entries[slot].hash == hash, holds(entries[slot].word, part) {
            let range = entries[slot].pieces
            return write(pieces[Int(range.lowerBound)..<Int(range.upperBound)], of: word, to: &output)
        }
        fresh.removeAll(keepingCapacity: true)
        model.split(part, &fresh, &scratch)
        insert(part, hash, at: slot)
        write(fresh[...], of: word, to: &output)
    }

    @inline(__always)
    private func write<Output: PieceOutput>(
        _ pieces: ArraySlice<Piece>, of word: Range<Int>, to output: inout Output
    ) {
        var start = word.lowerBound
        for piece in pieces {
            output.append(piece.id, start..<min(start + Int(piece.extent), word.upperBound))
            start = min(start + Int(piece.length), word.upperBound)
        }
    }

    private func holds(_ range: Range<Int32>, _ word: UnsafeBufferPointer<UInt8>) -> Bool {
        guard range.count == word.count else { return false }
        return bytes.withUnsafeBufferPointer { bytes in
            memcmp(bytes.baseAddress! + Int(range.lowerBound), word.baseAddress!, word.count) == 0
        }
    }

    private mutating func insert(_ word: UnsafeBufferPointer<UInt8>, _ hash: UInt64, at slot: Int) {
        if bytes.count + word.count > PieceCache.capacity {
            bytes.removeAll(keepingCapacity: true)
            pieces.removeAll(keepingCapacity: true)
            for index in entries.indices { entries[index] = Entry() }
        }
        let start = Int32(bytes.count)
        let first = Int32(pieces.count)
        bytes.append(contentsOf: word)
        pieces += fresh
        entries[slot] = Entry(
            hash: hash, word: start..<Int32(bytes.count), pieces: first..<Int32(pieces.count))
    }

    /// Eight bytes at a time; never 0, which marks a free place.
    @inline(__always)
    private static func hash(_ word: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var hash = UInt64(word.count) &* 0x9E37_79B9_7F4A_7C15
        let raw = UnsafeRawBufferPointer(word)
        var place = 0
        while place + 8 <= raw.count {
            hash = (hash ^ raw.loadUnaligned(fromByteOffset: place, as: UInt64.self)) &* 0xFF51_AFD7_ED55_8CCD
            hash ^= hash >> 32
            place += 8
        }
        var rest: UInt64 = 0
        while place < raw.count {
            rest = rest << 8 | UInt64(raw[place])
            place += 1
        }
        hash = (hash ^ rest) &* 0xC4CE_B9FE_1A85_EC53
        hash ^= hash >> 29
        return (hash &* 0x9E37_79B9_7F4A_7C15) | 1
    }
}

/// A model that takes a while to split a word.
protocol WordSplittingModel {
    /// Appends the pieces of a word.
    func split(_ word: UnsafeBufferPointer<UInt8>, _ pieces: inout [Piece], _ scratch: inout SplitScratch)
}

/// A piece of a word.
struct Piece: Sendable {
    let id: Int32
    /// Bytes from its start to the next piece's.
    let length: Int32
    /// Bytes that it stands for: more than `length` for all but the last of several that stand for the same ones.
    let extent: Int32
}

/// Memory that splitting a word uses.
struct SplitScratch: Sendable {
    var symbols: [BytePairModel.Symbol] = []
    var queue: [BytePairModel.Candidate] = []
    var paths: [UnigramModel.Path] = []
}
