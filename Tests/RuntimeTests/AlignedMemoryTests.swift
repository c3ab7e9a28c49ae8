import Foundation
import Runtime
import Testing

@Suite(.serialized) struct AlignedMemoryTests {
    @Test(arguments: [0, 1, 63, 4096, 4097, 1 << 20, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, 33_000_001])
    func alignedZeroedAndWritable(byteCount: Int) throws {
        let memory = try AlignedMemory(byteCount: byteCount)
        #expect(memory.byteCount == byteCount)
        let alignment = byteCount >= 4 << 20 ? 2 << 20 : 64
        #expect(Int(bitPattern: memory.start) % alignment == 0)
        let places =
            stride(from: 0, to: byteCount, by: 509).map { $0 } + (byteCount > 0 ? [byteCount - 1] : [])
        memory.withBytes { bytes in
            #expect(bytes.count == byteCount)
            #expect(places.allSatisfy { bytes[$0] == 0 })
            for place in places { bytes[place] = UInt8(truncatingIfNeeded: place) | 1 }
            #expect(places.allSatisfy { bytes[$0] == UInt8(truncatingIfNeeded: $0) | 1 })
        }
    }

    @Test func hugePagesAreAskedFor() throws {
        let memory = try AlignedMemory(byteCount: 8 << 20)
        let flags = try memory.withBytes { bytes in
            let address = UInt(bitPattern: bytes.baseAddress)
            // Read as a stream: Foundation's whole-file reads stop early on files without a size.
            let stream = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps"))
            let text = String(decoding: try stream.readToEnd() ?? Data(), as: UTF8.self)
            let lines = text.split(separator: "\n")
            // Neighbouring mappings of the same kind are listed as one.
            let region = try #require(
                lines.firstIndex { line in
                    let bounds = line.prefix { $0 != " " }.split(separator: "-").compactMap {
                        UInt($0, radix: 16)
                    }
                    return bounds.count == 2 && bounds[0] <= address && address < bounds[1]
                })
            return try #require(lines[region...].first { $0.hasPrefix("VmFlags:") })
        }
        #expect(flags.contains(" hg"))
    }

    /// In a process of its own, where nothing else allocates.
    @Test func memoryIsReturned() async {
        await #expect(processExitsWith: .success) {
            let before = try residentBytes()
            for byteCount in [16 << 20, 5_000_000, 100_000, 1] {
                for _ in 0..<20 {
                    let memory = try AlignedMemory(byteCount: byteCount)
                    memory.withBytes { bytes in
                        for place in stride(from: 0, to: byteCount, by: 4096) { bytes[place] = 1 }
                    }
                }
            }
            let growth = try residentBytes() - before
            #expect(growth < 1 << 20, "resident memory grew by \(growth) bytes")
        }
    }

    @Test(arguments: [1 << 50, 1 << 62, Int.max])
    func refusalNamesTheSizeAndTheFix(byteCount: Int) throws {
        let error = try #require(
            #expect(throws: MemoryError.self) { try AlignedMemory(byteCount: byteCount) })
        #expect(error.byteCount == byteCount)
        #expect(error.description.contains("MB") && error.description.contains("maxMemory"))
        #expect(!error.description.contains("\n"))
    }
}
