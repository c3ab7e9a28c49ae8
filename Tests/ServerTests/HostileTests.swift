import Foundation
import Support
import TestSupport
import Testing

@testable import Server

/// Requests that clients in their right mind do not send: each is answered with a status of its kind or not at all, and the server
/// goes on.
@Suite struct HostileTests {
    /// Numbers of a seed.
    private struct Numbers: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state ^ (state >> 29)) &* 0xBF58_476D_1CE4_E5B9
        }
    }

    /// Bytes to send, and which first statuses are right; none where the connection may end without an answer.
    private struct Attack: Sendable {
        let name: String
        let bytes: [UInt8]
        let statuses: Set<Int>
        /// Whether there may be no answer.
        var mayEnd = false
        /// Answers at most: more mean that a part of a body was taken for a request.
        var most = 1

        init(_ name: String, _ text: String, _ statuses: Set<Int>, mayEnd: Bool = false, most: Int = 1) {
            (self.name, self.statuses, self.mayEnd, self.most) = (name, statuses, mayEnd, most)
            bytes = Array(text.utf8)
        }

        init(_ name: String, body: [UInt8], _ statuses: Set<Int>, path: String = "/embed") {
            (self.name, self.statuses) = (name, statuses)
            bytes = Array(HostileTests.head(body.count, path).utf8) + body
        }
    }

    private static func head(_ length: Int, _ path: String = "/embed", _ more: String = "") -> String {
        "POST \(path) HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
            + "connection: close\r\ncontent-length: \(length)\r\n\(more)\r\n"
    }

    private static let good = #"{"inputs": "one"}"#
    private static let inner = "GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n"

    /// Two ways to say how long a body is, and other ways to hide a request in another.
    private static var smuggling: [Attack] {
        let start = "POST /embed HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
        let chunked = "\(String(good.utf8.count, radix: 16))\r\n\(good)\r\n0\r\n\r\n"
        return [
            Attack(
                "length and chunks",
                start + "content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n" + chunked + inner, [400]),
            Attack(
                "chunks and length",
                start + "transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n" + chunked + inner, [400]),
            Attack(
                "two lengths", start + "content-length: 17\r\ncontent-length: 3\r\n\r\n" + good + inner, [400]
            ),
            Attack("list of lengths", start + "content-length: 17, 3\r\n\r\n" + good + inner, [400]),
            Attack("negative length", start + "content-length: -1\r\n\r\n" + good, [400]),
            Attack("signed length", start + "content-length: +17\r\n\r\n" + good, [400]),
            Attack("great length", start + "content-length: 99999999999999999999\r\n\r\n" + good, [400]),
            Attack("unknown coding", start + "transfer-encoding: xchunked\r\n\r\n" + chunked + inner, [400]),
            Attack(
                "coding twice",
                start + "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n" + chunked + inner,
                [400]),
            Attack(
                "space before colon", start + "content-length : 17\r\n\r\n" + good + inner, [400]),
            Attack(
                "folded line", start + "x-a: b\r\n c: d\r\ncontent-length: 17\r\n\r\n" + good, [400]),
            Attack("bad chunk size", start + "transfer-encoding: chunked\r\n\r\nzz\r\n" + good, [400]),
            Attack(
                "great chunk size",
                start + "transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n" + good, [400]),
            Attack("null in a head", start + "x-a: b\0c\r\ncontent-length: 17\r\n\r\n" + good, [400]),
            Attack("bare return", start + "x-a: b\rcontent-length: 3\r\n\r\n" + good, [400], mayEnd: true),
        ]
    }

    private static func attacks(_ numbers: inout Numbers) -> [Attack] {
        let deep = Int.random(in: 500...50_000, using: &numbers)
        let noise = (0..<Int.random(in: 1...200, using: &numbers)).map { _ in
            UInt8.random(in: 0...255, using: &numbers)
        }
        let whole = Array((head(good.utf8.count) + good).utf8)
        let cut = Int.random(in: 1..<whole.count, using: &numbers)
        var flipped = whole
        for _ in 0..<3 {
            flipped[Int.random(in: 0..<whole.count, using: &numbers)] = UInt8.random(
                in: 0...255, using: &numbers)
        }
        func json(_ text: String) -> [UInt8] { Array(text.utf8) }
        var all = [
            Attack("noise", String(decoding: noise, as: UTF8.self), [400], mayEnd: true),
            Attack("cut", String(decoding: whole[..<cut], as: UTF8.self), [400], mayEnd: true),
            Attack(
                "flipped", String(decoding: flipped, as: UTF8.self),
                [200, 400, 404, 405, 408, 413, 415, 422, 431, 501, 505], mayEnd: true, most: 2),
            Attack("noise as body", body: noise, [400, 422]),
            Attack("deep arrays", body: json(String(repeating: "[", count: deep)), [400]),
            Attack("deep objects", body: json(String(repeating: #"{"a":"#, count: deep)), [400]),
            Attack("invalid UTF-8", body: json(#"{"inputs": ""#) + [0xC3, 0x28] + json(#""}"#), [400]),
            Attack("lone surrogate", body: json(#"{"inputs": "\ud800"}"#), [200, 400]),
            Attack("great number", body: json(#"{"inputs": "a", "dimensions": 1e400}"#), [422]),
            Attack(
                "long number", body: json("{\"inputs\": [[\(String(repeating: "9", count: 5000))]]}"), [422]),
            Attack("wrong type", body: json(#"{"inputs": {"a": [true]}}"#), [422]),
            Attack(
                "too many", body: json("{\"inputs\": [\(String(repeating: "\"a\",", count: 600))\"a\"]}"),
                [413]),
            Attack("oversized", head(100_000_000) + good, [413]),
            Attack("null characters", body: json(#"{"inputs": "a\u0000b"}"#), [200]),
            Attack("empty", body: [], [400]),
            Attack(
                "long path", "GET /\(String(repeating: "a", count: 100_000)) HTTP/1.1\r\n\r\n", [400, 404],
                mayEnd: true),
            Attack(
                "long field", "GET / HTTP/1.1\r\nx-a: \(String(repeating: "a", count: 100_000))\r\n\r\n",
                [400], mayEnd: true),
            Attack(
                "many fields",
                "GET / HTTP/1.1\r\n\((0..<3000).map { "x-\($0): a\r\n" }.joined())\r\n", [400], mayEnd: true),
            Attack("no version", "GET /\r\n\r\n", [400], mayEnd: true),
            Attack("old version", "GET /info HTTP/0.9\r\n\r\n", [400, 505], mayEnd: true),
            Attack("other protocol", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 505], mayEnd: true),
            Attack(
                "path out of the root",
                "GET /../../etc/passwd HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", [404]),
            Attack("other method", "BREW /embed HTTP/1.1\r\nhost: a\r\n\r\n", [400, 405], mayEnd: true),
            Attack("escape", "GET /%2e%2e/%00 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", [404]),
            Attack("model out of the root", body: json(good), [404], path: "/models/../vectors/embed"),
        ]
        all.append(contentsOf: smuggling)
        return all
    }

    @Test func hostileRequestsHaveTheirStatus() async throws {
        var options = InferenceServer.Options()
        options.idleTimeout = .seconds(2)
        options.requestTimeout = .seconds(5)
        try await TestServer.serving(options) { port in
            var numbers = Numbers(state: 7)
            for _ in 0..<10 {
                for attack in Self.attacks(&numbers) {
                    let answer = try await RawConnection.blocking {
                        let connection = try RawConnection(port: port, seconds: 20)
                        connection.write(attack.bytes)
                        // A client that says that it sends no more has hung up.
                        if attack.mayEnd { connection.finish() }
                        return connection.read()
                    }
                    let text = try #require(answer, "\(attack.name): no end")
                    let statuses = RawConnection.statuses(text)
                    #expect(statuses.count <= attack.most, "\(attack.name): \(text.prefix(2000))")
                    if let first = statuses.first {
                        #expect(
                            attack.statuses.contains(first) || attack.mayEnd && first == 503,
                            "\(attack.name): \(text.prefix(300))")
                    } else {
                        #expect(attack.mayEnd, "\(attack.name): no answer, but '\(text.prefix(300))'")
                    }
                }
                #expect(try await TestServer.ask(port, "/embed", Self.good).status == 200)
            }
            // Connections are closed a little later than their last bytes are read.
            for _ in 0..<200 where try RawConnection.count(port: port) > 4 {
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(try RawConnection.count(port: port) <= 4)
        }
    }

    @Test func slowClientsAreCutOff() async throws {
        var options = InferenceServer.Options()
        options.idleTimeout = .seconds(1)
        options.requestTimeout = .seconds(1)
        try await TestServer.serving(options) { port in
            // What arrives byte by byte does not lengthen the time.
            @Sendable func drip(_ start: String) throws -> (text: String, seconds: Double) {
                let connection = try RawConnection(port: port, seconds: 1)
                let clock = ContinuousClock.now
                connection.write(start.utf8)
                while ContinuousClock.now - clock < .seconds(15) {
                    connection.write("a".utf8)
                    if let text = connection.read({ !$0.isEmpty }) {
                        return (text, (ContinuousClock.now - clock) / .seconds(1))
                    }
                }
                return ("no end", 15)
            }
            let head = try await RawConnection.blocking { try drip("GET /info HTTP/1.1\r\nx-a: ") }
            #expect(head.text.isEmpty && head.seconds < 10)
            let long = Self.head(1_000_000)
            let body = try await RawConnection.blocking { try drip(long) }
            #expect(RawConnection.statuses(body.text).first == 408 && body.seconds < 10)
            let idle = try await RawConnection.blocking {
                let connection = try RawConnection(port: port, seconds: 10)
                connection.write("GET /health HTTP/1.1\r\nhost: a\r\n\r\n".utf8)
                return connection.read()
            }
            #expect(RawConnection.statuses(try #require(idle)) == [200])
            let silent = try await RawConnection.blocking {
                try RawConnection(port: port, seconds: 10).read()
            }
            #expect(silent?.isEmpty == true)
        }
    }
}
