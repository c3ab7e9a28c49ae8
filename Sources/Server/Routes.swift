import HTTPTypes
import Pipelines
import Support

/// A model and the name that requests give it.
public struct ServedModel: Sendable {
    /// The name.
    public let name: String
    /// The model.
    public let model: InferenceModel

    /// A model under a name.
    public init(name: String, model: InferenceModel) {
        self.name = name
        self.model = model
    }
}

/// What answers a request.
struct Reply: Sendable {
    var status = HTTPResponse.Status.ok
    var type = "application/json"
    var headers = HTTPFields()
    var bytes: [UInt8]

    init(_ value: JSONValue) { bytes = Array(value.text(.compact).utf8) }
    init(_ text: String, type: String) { (bytes, self.type) = (Array(text.utf8), type) }
    init(_ error: ServerError, isOpenAI: Bool) {
        self.init(error.body(isOpenAI: isOpenAI))
        (status, headers) = (error.status, error.headers)
    }
}

/// The routes and what stands behind them; sockets are `Responder`'s.
struct Routes: Sendable {
    typealias Handler = @Sendable (RequestFields, ServedModel) async throws -> Reply

    let models: [ServedModel]
    let engine: InferenceEngine
    let metrics: ServerMetrics
    let options: InferenceServer.Options

    /// A route, found.
    struct Match: Sendable {
        /// The path without a model's name.
        let route: String
        let model: ServedModel
    }

    static let posts: Set<String> = [
        "/", "/embed", "/embed_all", "/embed_sparse", "/similarity", "/predict", "/rerank", "/tokenize",
        "/decode", "/v1/embeddings", "/embeddings", "/v1/rerank", "/v2/rerank",
    ]
    static let gets: Set<String> = ["/health", "/ping", "/info", "/metrics", "/v1/models"]

    /// - Parameter path: a route, or `/models/NAME` before one.
    func match(_ path: String, _ method: HTTPRequest.Method) throws -> Match {
        var (route, model) = (path, models[0])
        if path.hasPrefix("/models/") {
            let rest = path.dropFirst("/models/".count)
            guard let found = models.first(where: { rest == $0.name || rest.hasPrefix("\($0.name)/") }) else {
                throw ServerError(.notFound, .validation, "no such model; /v1/models lists them")
            }
            let end = rest.dropFirst(found.name.count)
            (route, model) = (end.isEmpty ? "/" : String(end), found)
        }
        let allowed =
            (Self.posts.contains(route) ? ["POST"] : []) + (Self.gets.contains(route) ? ["GET"] : [])
        guard !allowed.isEmpty else { throw ServerError(.notFound, .validation, "no such route") }
        guard allowed.contains(method.rawValue) else {
            var error = ServerError(
                .methodNotAllowed, .validation, "the route takes \(allowed.joined(separator: " and "))")
            error.headers[.allow] = allowed.joined(separator: ", ")
            throw error
        }
        return Match(route: route, model: model)
    }

    static func isOpenAI(_ route: String) -> Bool { route.contains("/v1/") || route == "/embeddings" }

    func get(_ match: Match) -> Reply {
        switch match.route {
        case "/info": Reply(info(match.model))
        case "/metrics":
            Reply(
                metrics.text(
                    waiting: engine.waitingCount, planned: models.reduce(0) { $0 + $1.model.memoryPlan.total }
                ),
                type: "text/plain; version=0.0.4")
        case "/v1/models": Reply(modelList)
        default: Reply("", type: "text/plain")
        }
    }

    func post(_ match: Match, _ body: [UInt8]) async throws -> Reply {
        let fields = try RequestFields(body)
        switch match.route {
        case "/embed": return try await embed(fields, match.model)
        case "/embed_all": return try await embedAll(fields, match.model)
        case "/embed_sparse": return try await embedSparse(fields, match.model)
        case "/similarity": return try await similarity(fields, match.model)
        case "/predict": return try await predict(fields, match.model)
        case "/rerank": return try await rerank(fields, match.model)
        case "/tokenize": return try tokenize(fields, match.model)
        case "/decode": return try decode(fields, match.model)
        case "/v1/embeddings", "/embeddings": return try await embeddings(fields, match.model)
        case "/v1/rerank", "/v2/rerank": return try await cohereRerank(fields, match.model)
        default: return try await usual(fields, match.model)
        }
    }

    /// What a model is for, as text-embeddings-inference answers at `/`.
    private func usual(_ fields: RequestFields, _ model: ServedModel) async throws -> Reply {
        if model.model.vectorWidth == nil {
            return fields.value("query") == nil
                ? try await predict(fields, model) : try await rerank(fields, model)
        }
        return fields.value("inputs")?["source_sentence"] == nil
            ? try await embed(fields, model) : try await similarity(fields, model)
    }

    /// The model that a request names; where only one is served, any name is that one's.
    func named(_ fields: RequestFields, _ usual: ServedModel) throws -> ServedModel {
        guard let name = try fields.string("model"), models.count > 1 else { return usual }
        guard let model = models.first(where: { $0.name == name }) else {
            throw ServerError(
                .notFound, .validation,
                "The model `\(name)` does not exist; /v1/models lists those that do")
        }
        return model
    }

    /// Checks how many texts a request has, and takes the memory of their answers.
    ///
    /// - Parameter elements: numbers, or objects, in the answer for a text.
    /// - Throws: `ServerError` for no text, for more than a request may have, and for answers without room.
    func check(_ count: Int, elements: Int = 64) throws {
        guard count > 0 else { throw ServerError(.badRequest, .empty, "`inputs` cannot be empty") }
        guard count <= options.maxClientBatchSize else {
            throw ServerError(
                .contentTooLarge, .validation,
                "batch size \(count) > maximum allowed batch size \(options.maxClientBatchSize)")
        }
        // A number is held as a float, as a value of JSON and as text.
        try RequestMemory.Share.current?.add(count * elements * 64)
    }

    // MARK: About the server

    private func info(_ served: ServedModel) -> JSONValue {
        let model = served.model
        let labels: [(String, JSONValue)] = model.labels.enumerated().map { ("\($0)", .string($1)) }
        let ids: [(String, JSONValue)] = model.labels.enumerated().map { ($1, .integer($0)) }
        let classes = JSONValue.object([("id2label", .object(labels)), ("label2id", .object(ids))])
        let type: (String, JSONValue) =
            model.vectorWidth != nil
            ? ("embedding", .object([("pooling", .string(model.poolingName))]))
            : (model.head == .regression ? "reranker" : "classifier", classes)
        return .object([
            ("model_id", .string(served.name)), ("model_sha", .null),
            ("model_dtype", .string(options.precision)), ("served_model_name", .string(served.name)),
            ("model_type", .object([type])),
            ("max_concurrent_requests", .integer(engine.options.maxQueue)),
            ("max_input_length", .integer(model.maxLength)),
            ("max_batch_tokens", .integer(engine.options.maxBatchTokens)), ("max_batch_requests", .null),
            ("max_client_batch_size", .integer(options.maxClientBatchSize)),
            ("auto_truncate", .bool(options.truncates)), ("tokenization_workers", .integer(1)),
            ("version", .string(options.version)), ("sha", .null), ("docker_label", .null),
        ])
    }

    private var modelList: JSONValue {
        .object([
            ("object", .string("list")),
            (
                "data",
                .array(
                    models.map {
                        .object([
                            ("id", .string($0.name)), ("object", .string("model")), ("created", .integer(0)),
                            ("owned_by", .string("bertc")),
                        ])
                    })
            ),
        ])
    }
}
