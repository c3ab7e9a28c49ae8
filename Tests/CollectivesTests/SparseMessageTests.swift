import Testing

@testable import Collectives

@Suite struct SparseMessageTests {
    /// What arrives is what was sent, to the bit, also numbers that equal 0 but are not.
    @Test(arguments: [1, 63, 64, 65, 1000], [1, 3, 100]) func everythingArrives(count: Int, gap: Int) throws {
        let numbers: [Float] = [-0.0, 3, .nan, .leastNonzeroMagnitude]
        let elements = (0..<count).map { element -> Float in
            element / SparseMessage.block % gap == gap - 1 ? numbers[element % 4] : 0
        }
        let sent = elements.withUnsafeBufferPointer { SparseMessage(of: $0.baseAddress!, count: count) }
        let received = SparseMessage(count: count)
        #expect(received.marks.count == sent.marks.count)
        received.marks.copyMemory(from: UnsafeRawBufferPointer(sent.marks))
        received.makeRoom()
        #expect(received.values.count == sent.values.count)
        if gap > 1 { #expect(sent.values.count <= count / gap + SparseMessage.block) }
        _ = received.values.update(from: sent.values)
        var result = [Float](repeating: 7, count: count)
        result.withUnsafeMutableBufferPointer { received.unpack(to: $0.baseAddress!) }
        #expect(result.map(\.bitPattern) == elements.map(\.bitPattern))
    }
}
