import Benchmarks
import Measuring
import Testing

@Suite struct PeerTests {
    @Test func versionsAreRead() throws {
        let fake = try FakePeer(seconds: 1)
        let python = try #require(PeerPython(fake.path))
        #expect(python.versions.torch == "1.2.3")
        #expect(python.versions.transformers == "4.5.6")
    }

    @Test func programsWithoutTorchAreNoPeer() {
        #expect(PeerPython("/bin/true") == nil)
        #expect(PeerPython("/bin/false") == nil)
        #expect(PeerPython("/no/such/python") == nil)
    }

    @Test func eachTurnIsALineEitherWay() throws {
        let fake = try FakePeer(seconds: 0.25)
        let python = try #require(PeerPython(fake.path))
        let peer = try PeerProcess(python, ["--work", "train"], mode: .compile, threads: 3)
        #expect(peer.peakByteCount == 1_000_000)
        #expect(try peer.seconds(repeating: 4) == 0.25)
        #expect(try peer.seconds(repeating: 2) == 0.25)
        #expect(fake.counts == ["4", "2"])
        let call = try #require(fake.calls.last)
        #expect(call.hasSuffix("peer.py --work train --mode compile --threads 3 --warmup 2"))
    }

    @Test func aPeerThatEndsIsAnError() throws {
        let fake = try FakePeer(seconds: 1, answers: 2)
        let python = try #require(PeerPython(fake.path))
        let peer = try PeerProcess(python, [], threads: 1)
        #expect(try peer.seconds(repeating: 1) == 1)
        #expect(throws: (any Error).self) { try peer.seconds(repeating: 1) }
    }

    @Test func aPeerThatCannotStartIsAnError() throws {
        let fake = try FakePeer(seconds: 1, answers: 0)
        let python = try #require(PeerPython(fake.path))
        #expect(throws: AnswerError.self) { try PeerProcess(python, [], threads: 1) }
    }
}
