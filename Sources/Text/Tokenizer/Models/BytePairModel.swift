/// HF's `BPE`: starts with single characters and merges pairs in the order of their ranks.
struct BytePairModel: WordSplittingModel, Sendable {
    struct Settings: Sendable, Equatable {
        /// Goes before all characters of a word but the first.
        var continuingPrefix = ""
        /// Goes after the last character of a word.
        var endSuffix = ""
        /// Neighbouring unknown characters become one token.
        var fusesUnknown = false
        /// Characters that are not in the vocabulary become the tokens of their bytes, such as `<0x0A>`.
        var usesBytes = false
        /// A word that is a token is not split.
        var keepsKnownWords = false
    }

    let vocabulary: Vocabulary
    let merges: MergeTable
    /// Without it, characters that are not in the vocabulary leave nothing.
    let unknown: Int32?
    let settings: Settings
    /// The ids of one-byte characters that words may have anywhere, -1 for others; only without prefix and suffix.
    private let asciiIDs: [Int32]
    /// The ids of the tokens of bytes; empty when some are missing.
    private let byteIDs: [Int32?]

    init(vocabulary: Vocabulary, merges: MergeTable, unknown: Int32?, settings: Settings) {
        self.vocabulary = vocabulary
        self.merges = merges
        self.unknown = unknown
        self.settings = settings
        asciiIDs = (0..<128).map { vocabulary.pieceID(of: CollectionOfOne(UInt8($0))) ?? -1 }
        byteIDs = vocabulary.byteIDs
    }

    /// A token of a word as it is now, in a list of neighbours.
    struct Symbol: Sendable {
        var id: Int32
        var previous: Int32
        var next: Int32
        /// In bytes; 0 for one that was merged with the symbol before it.
        var length: Int32
    }

    /// A merge that may be made at a symbol.
    struct Candidate: Sendable {
        var rank: UInt32
        var place: Int32
        var id: Int32

        /// Lower ranks come first, then places further left.
        @inline(__always)
        static func precedes(_ left: Candidate, _ right: Candidate) -> Bool {
            (left.rank, left.place) < (right.rank, right.place)
        }
    }

    /// Appends the pieces of a word.
    func split(_ word: UnsafeBufferPointer<UInt8>, _ pieces: inout [Piece], _ scratch: inout SplitScratch) {
        if settings.keepsKnownWords, let id = vocabulary.pieceID(of: word) {
            let length = Int32(word.count)
            return pieces.append(Piece(id: id, length: length, extent: length))
        }
        scratch.symbols.removeAll(keepingCapacity: true)
        addSymbols(of: word, to: &scratch.symbols)
        let count = scratch.symbols.count
        scratch.symbols.withUnsafeMutableBufferPointer { symbols in
            for place in 0..<count {
                symbols[place].previous = Int32(place - 1)
                symbols[place].next = place + 1 < count ? Int32(place + 1) : -1
            }
            merge(symbols, &scratch.queue)
            for symbol in symbols where symbol.length > 0 {
                pieces.append(Piece(id: symbol.id, length: symbol.length, extent: symbol.length))
            }
        }
    }

    // MARK: Characters

    private func addSymbols(of word: UnsafeBufferPointer<UInt8>, to symbols: inout [Symbol]) {
        var pending: (id: Int32, length: Int32)?
        func add(_ id: Int32, _ length: Int32) {
            symbols.append(Symbol(id: id, previous: 0, next: 0, length: length))
        }
        var position = 0
        while position < word.count {
            let length = UTF8Scalar.decode(word, at: position).length
            let range = position..<(position + length)
            position += length
            if let id = id(of: range, in: word) {
                if let unknown = pending { add(unknown.id, unknown.length) }
                pending = nil
                add(id, Int32(length))
            } else if settings.usesBytes, let ids = bytesIDs(of: range, in: word) {
                for id in ids { add(id, 1) }
            } else if let unknown {
                if let before = pending, settings.fusesUnknown {
                    pending = (unknown, before.length + Int32(length))
                } else {
                    if let before = pending { add(before.id, before.length) }
                    pending = (unknown, Int32(length))
                }
            }
        }
        if let unknown = pending { add(unknown.id, unknown.length) }
    }

    @inline(__always)
    private func id(of range: Range<Int>, in word: UnsafeBufferPointer<UInt8>) -> Int32? {
        guard settings.continuingPrefix.isEmpty, settings.endSuffix.isEmpty else {
            return vocabulary.pieceID(of: spelling(of: range, in: word))
        }
        if range.count == 1 {
            let id = asciiIDs[Int(word[range.lowerBound])]
            return id < 0 ? nil : id
        }
        return vocabulary.pieceID(of: word[range])
    }

    /// A character as the vocabulary spells it at its place in a word.
    private func spelling(of range: Range<Int>, in word: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var result: [UInt8] = range.lowerBound > 0 ? Array(settings.continuingPrefix.utf8) : []
        result += word[range]
        if range.upperBound == word.count { result += settings.endSuffix.utf8 }
        return result
    }

    private func bytesIDs(of range: Range<Int>, in word: UnsafeBufferPointer<UInt8>) -> [Int32]? {
        let ids = spelling(of: range, in: word).map { byteIDs[Int($0)] }
        return ids.contains(nil) ? nil : ids.compactMap(\.self)
    }

    // MARK: Merges

    private func merge(_ symbols: UnsafeMutableBufferPointer<Symbol>, _ queue: inout [Candidate]) {
        queue.removeAll(keepingCapacity: true)
        guard symbols.count > 1 else { return }
        for place in 0..<(symbols.count - 1) {
            if let merge = merges.merge(of: symbols[place].id, symbols[place + 1].id) {
                push(Candidate(rank: merge.rank, place: Int32(place), id: merge.id), to: &queue)
            }
        }
        while let top = pop(&queue) {
            let place = Int(top.place)
            let next = Int(symbols[place].next)
            guard symbols[place].length > 0, next >= 0 else { continue }
            // The pair may have changed since.
            guard merges.merge(of: symbols[place].id, symbols[next].id)?.id == top.id else { continue }
            symbols[place].id = top.id
            symbols[place].length += symbols[next].length
            symbols[place].next = symbols[next].next
            symbols[next].length = 0
            let after = Int(symbols[place].next)
            let before = Int(symbols[place].previous)
            if after >= 0 { symbols[after].previous = top.place }
            if before >= 0, let merge = merges.merge(of: symbols[before].id, top.id) {
                push(Candidate(rank: merge.rank, place: Int32(before), id: merge.id), to: &queue)
            }
            if after >= 0, let merge = merges.merge(of: top.id, symbols[after].id) {
                push(Candidate(rank: merge.rank, place: top.place, id: merge.id), to: &queue)
            }
        }
    }

    /// Adds to a binary heap.
    @inline(__always)
    private func push(_ candidate: Candidate, to heap: inout [Candidate]) {
        var place = heap.count
        heap.append(candidate)
        while place > 0 {
            let parent = (place - 1) / 2
            guard Candidate.precedes(candidate, heap[parent]) else { break }
            heap[place] = heap[parent]
            place = parent
        }
        heap[place] = candidate
    }

    /// Takes the first of a binary heap.
    @inline(__always)
    private func pop(_ heap: inout [Candidate]) -> Candidate? {
        guard let last = heap.popLast() else { return nil }
        guard let first = heap.first else { return last }
        var place = 0
        while true {
            var child = 2 * place + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, Candidate.precedes(heap[child + 1], heap[child]) { child += 1 }
            guard Candidate.precedes(heap[child], last) else { break }
            heap[place] = heap[child]
            place = child
        }
        heap[place] = last
        return first
    }
}
