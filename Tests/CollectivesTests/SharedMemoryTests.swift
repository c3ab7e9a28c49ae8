import TestSupport
import Testing

@testable import Collectives

@Suite struct SharedMemoryTests {
    /// Each process maps the memory for itself, and finds what the others have written.
    @Test(arguments: [2, 3]) func everyoneSeesWhatOthersWrite(size: Int) throws {
        let count = 3 << 20
        let places = try inGroup(of: size) { group in
            let memory = try group.sharedMemory(byteCount: count)
            #expect(Int(bitPattern: memory.start) % (2 << 20) == 0 && memory.byteCount == count)
            let bytes = UnsafeMutableRawBufferPointer(start: memory.start, count: count)
            if group.isFirst { #expect(bytes.allSatisfy { $0 == 0 }) }
            try group.barrier()
            bytes[group.rank] = UInt8(group.rank + 1)
            bytes[count - 1 - group.rank] = UInt8(group.rank + 1)
            try group.barrier()
            for rank in 0..<size {
                #expect(bytes[rank] == UInt8(rank + 1) && bytes[count - 1 - rank] == UInt8(rank + 1))
            }
            try group.barrier()
            return Int(bitPattern: memory.start)
        }
        #expect(Set(places).count == size)
    }

    /// Memory that is more than there can be is refused on all, with the reason.
    @Test func whatCannotBeHadIsSaid() throws {
        for outcome in outcomes(ofGroupOf: 2, { try $0.sharedMemory(byteCount: 1 << 60).byteCount }) {
            let error = #expect(throws: GroupError.self) { try outcome.get() }
            #expect(error?.description.contains("rank 0: shared memory cannot be") == true, "\(error!)")
        }
    }
}
