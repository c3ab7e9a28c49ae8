import Foundation
import Testing

@testable import Runtime

@Suite struct MemoryPoolTests {
    /// Pieces of all sizes are zeroed, begin at a page, don't overlap, and outlive the pool.
    @Test func piecesAreApart() throws {
        let sizes = [0, 1, 4096, 4097, 300_000, 5 << 20, 17 << 20, 3, 40 << 20, 12 << 20, 900_000]
        var pieces: [MemoryPool.Piece] = []
        do {
            var pool = MemoryPool()
            for size in sizes { pieces.append(try pool.allocate(size)) }
        }
        for (index, piece) in pieces.enumerated() {
            #expect(piece.byteCount == sizes[index])
            #expect(Int(bitPattern: piece.start) % 4096 == 0)
            let bytes = UnsafeMutableRawBufferPointer(start: piece.start, count: piece.byteCount)
            let places =
                Array(stride(from: 0, to: bytes.count, by: 4001)) + (bytes.isEmpty ? [] : [bytes.count - 1])
            #expect(places.allSatisfy { bytes[$0] == 0 })
            for place in places { bytes[place] = UInt8(index + 1) }
        }
        for (index, piece) in pieces.enumerated() where piece.byteCount > 0 {
            let bytes = UnsafeRawBufferPointer(start: piece.start, count: piece.byteCount)
            #expect(bytes[0] == UInt8(index + 1) && bytes[bytes.count - 1] == UInt8(index + 1))
        }
        let bounds = pieces.map { ($0.start, $0.start + max(1, $0.byteCount)) }.sorted { $0.0 < $1.0 }
        #expect(zip(bounds, bounds.dropFirst()).allSatisfy { $0.1 <= $1.0 })
    }

    /// What a parameter of a layer is: small ones of a model share blocks of huge pages.
    @Test func piecesOfAModelShareBlocks() throws {
        var pool = MemoryPool()
        let starts = try (0..<64).map { _ in Int(bitPattern: try pool.allocate(600_000).start) }
        let apart = zip(starts, starts.dropFirst()).filter { $1 - $0 != 602_112 }.count
        #expect(apart <= 8, "\(apart) blocks")
    }
}
