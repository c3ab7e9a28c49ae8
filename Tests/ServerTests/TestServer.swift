import Foundation
import Pipelines
import Support
import TestSupport
import Testing

@testable import Server

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A server in this process, on a port that is free.
enum TestServer {
    static let fixtures = Checkout.root.appendingPathComponent("Tests/PipelinesTests/Fixtures")

    struct Answer {
        let status: Int
        let body: JSONValue?
        let headers: [AnyHashable: Any]
    }

    /// Starts a server of an embedding model, a classifier and a masked language model, and ends it after `body`.
    static func serving(
        _ options: InferenceServer.Options = InferenceServer.Options(),
        _ body: @escaping @Sendable (_ port: Int) async throws -> Void
    ) async throws {
        let metrics = ServerMetrics()
        let engine = try InferenceEngine(options: InferenceEngine.Options(onBatch: metrics.note))
        let models = [
            ServedModel(
                name: "vectors",
                model: try await engine.load(
                    fixtures.appendingPathComponent("sentence-transformers/small-0").path)),
            ServedModel(
                name: "labels",
                model: try await engine.load(fixtures.appendingPathComponent("zero-shot").path)),
            ServedModel(
                name: "masked",
                model: try await engine.load(fixtures.appendingPathComponent("fill-mask").path)),
        ]
        var options = options
        options.port = 0
        let server = InferenceServer(models, engine: engine, metrics: metrics, options: options)
        let (ports, source) = AsyncStream<Int>.makeStream()
        let running = Task {
            defer { source.finish() }
            try await server.run(signals: false) { source.yield($0) }
        }
        var port: Int?
        for await ready in ports {
            port = ready
            break
        }
        do {
            try await body(try #require(port))
            running.cancel()
        } catch {
            running.cancel()
            throw error
        }
        _ = try? await running.value
    }

    static func ask(
        _ port: Int, _ path: String, _ body: String? = nil, type: String = "application/json",
        token: String? = nil
    ) async throws -> Answer {
        var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(port)\(path)")))
        if let body {
            request.httpMethod = "POST"
            request.httpBody = Data(body.utf8)
            request.setValue(type, forHTTPHeaderField: "content-type")
        }
        request.setValue("a-1", forHTTPHeaderField: "x-request-id")
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "authorization") }
        let (data, response) = try await URLSession.shared.data(for: request)
        let http = try #require(response as? HTTPURLResponse)
        return Answer(
            status: http.statusCode, body: try? JSONValue(parsing: Array(data)), headers: http.allHeaderFields
        )
    }
}
