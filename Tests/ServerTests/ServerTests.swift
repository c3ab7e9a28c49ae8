import Foundation
import Pipelines
import Support
import Synchronization
import TestSupport
import Testing

@testable import Server

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Answers and refusals of a server in this process.
@Suite struct ServerTests {
    @Test func routesAnswerInTheirFormats() async throws {
        let pipeline = try EncoderPipeline(
            contentsOf: TestServer.fixtures.appendingPathComponent("sentence-transformers/small-0").path)
        let offline = try pipeline.embed(["one two", "three"], normalize: true)
        try await TestServer.serving { port in
            let vectors = try await TestServer.ask(port, "/embed", #"{"inputs": ["one two", "three"]}"#)
            let rows = vectors.body?.array?.map { $0.array?.compactMap(\.double).map { Float($0) } }
            #expect(rows == offline && vectors.status == 200)
            let data = try await TestServer.ask(
                port, "/v1/embeddings",
                #"{"input": ["one two", "three"], "encoding_format": "base64", "model": "vectors"}"#
            ).body?["data"]?.array
            for (row, vector) in zip(data ?? [], offline) {
                let bytes = try #require(Data(base64Encoded: row["embedding"]?.string ?? ""))
                #expect(bytes == vector.withUnsafeBytes { Data($0) })
            }
            let tokens = try await TestServer.ask(port, "/tokenize", #"{"inputs": "one two"}"#).body
            let ids = tokens?.array?[0].array?.compactMap { $0["id"]?.integer } ?? []
            #expect(ids.count > 2)
            let states = try await TestServer.ask(port, "/embed_all", #"{"inputs": "one two"}"#).body
            #expect(states?.array?[0].array?.count == ids.count)
            let byID = try await TestServer.ask(port, "/embed", #"{"inputs": [\#(ids)]}"#)
            #expect(byID.status == 200)
            let similar = try await TestServer.ask(
                port, "/similarity", #"{"inputs": {"source_sentence": "three", "sentences": ["three"]}}"#)
            #expect(abs((similar.body?.array?[0].double ?? 0) - 1) < 1e-5)
            let labels = try await TestServer.ask(port, "/models/labels/predict", #"{"inputs": ["a", "b"]}"#)
                .body
            #expect(abs((labels?.array ?? []).reduce(0) { $0 + ($1["score"]?.double ?? 0) } - 1) < 1e-5)
            let health = try await TestServer.ask(port, "/health")
            #expect(health.status == 200 && health.headers["x-request-id"] as? String == "a-1")
            for path in ["/info", "/metrics", "/v1/models"] {
                #expect(try await TestServer.ask(port, path).status == 200)
            }
        }
    }

    @Test func mistakesHaveTheirStatus() async throws {
        var options = InferenceServer.Options()
        (options.apiKey, options.maxBodyBytes, options.maxClientBatchSize) = ("secret", 1000, 3)
        let long = String(repeating: "word ", count: 150)
        let cases: [(String, String?, Int, String)] = [
            ("/embed", #"{"inputs": []}"#, 400, "Empty"),
            ("/embed", #"{"inputs": "#, 400, "Validation"),
            ("/embed", "[]", 422, "Validation"),
            ("/embed", #"{"inputs": 3}"#, 422, "Validation"),
            ("/embed", #"{"inputs": "a", "truncate": 1}"#, 422, "Validation"),
            ("/embed", #"{"inputs": "\#(long)", "truncate": false}"#, 413, "Validation"),
            ("/embed", #"{"inputs": "\#(long)\#(long)"}"#, 413, "Validation"),
            ("/embed", #"{"inputs": ["a", "b", "c", "d"]}"#, 413, "Validation"),
            ("/embed", #"{"inputs": [[99999999]]}"#, 422, "Tokenizer"),
            ("/predict", #"{"inputs": "a"}"#, 424, "Backend"),
            ("/models/labels/embed", #"{"inputs": "a"}"#, 424, "Backend"),
            ("/v1/embeddings", #"{"input": "a", "model": "none"}"#, 404, "Validation"),
            ("/embed", nil, 405, "Validation"), ("/none", nil, 404, "Validation"),
        ]
        try await TestServer.serving(options) { port in
            #expect(try await TestServer.ask(port, "/health").status == 200)
            #expect(try await TestServer.ask(port, "/info").status == 401)
            let text = try await TestServer.ask(port, "/embed", "a", type: "text/plain", token: "secret")
            #expect(text.status == 415)
            for (path, body, status, kind) in cases {
                let answer = try await TestServer.ask(port, path, body, token: "secret")
                #expect(answer.status == status, "\(path) \(body ?? "")")
                #expect(answer.body?["error_type"]?.string == kind, "\(path) \(body ?? "")")
            }
        }
    }

    @Test func requestsWithoutRoomAreRefused() throws {
        let memory = RequestMemory(limit: 100)
        let first = RequestMemory.Share(of: memory)
        try first.add(60)
        func status(_ count: Int) -> Int? {
            #expect(throws: ServerError.self) { try RequestMemory.Share(of: memory).add(count) }?.status.code
        }
        #expect(status(50) == 429)
        #expect(status(150) == 413)
        // The refused ones hold nothing.
        try first.add(40)
    }

    @Test func acceptedRequestsAreAnsweredWhenTheServerEnds() async throws {
        let answered = Mutex(0)
        let body = #"{"inputs": "\#((0..<100).map { "\($0)" }.joined(separator: " "))"}"#
        let pending = Mutex<[Task<Int, any Error>]>([])
        let logged = Mutex(0)
        var options = InferenceServer.Options()
        options.accessLog = { _ in logged.withLock { $0 += 1 } }
        try await TestServer.serving(options) { port in
            let tasks = (0..<24).map { _ in Task { try await TestServer.ask(port, "/embed", body).status } }
            pending.withLock { $0 = tasks }
            // The server is told to end when the first answers are there.
            while logged.withLock(\.self) < 2 { await Task.yield() }
        }
        for task in pending.withLock(\.self) {
            // Connections that were not accepted any more are refused; none is left without an answer.
            if let status = try? await task.value {
                #expect(status == 200)
                answered.withLock { $0 += 1 }
            }
        }
        #expect(answered.withLock(\.self) == logged.withLock(\.self))
    }
}
