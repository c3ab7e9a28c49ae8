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
    let models: [ServedModel]
    let engine: InferenceEngine
    let metrics: ServerMetrics
    let options: InferenceServer.Options

    /// A route, found.
    struct Match: Sendable {
        let route: Route
        /// The path without a model's name.
        let path: String
        let model: ServedModel
    }

    /// - Parameter path: a route, or `/models/NAME` before one.
    func match(_ path: String, _ method: HTTPRequest.Method) throws -> Match {
        var (rest, model, isNamed) = (path, models[0], false)
        if path.hasPrefix("/models/") {
            let named = path.dropFirst("/models/".count)
            guard let found = models.first(where: { named == $0.name || named.hasPrefix("\($0.name)/") })
            else {
                throw ServerError(.notFound, .validation, "no such model; /v1/models lists them")
            }
            let end = named.dropFirst(found.name.count)
            (rest, model, isNamed) = (end.isEmpty ? "/" : String(end), found, true)
        }
        let routes = Route.table.filter { $0.paths.contains(rest) && ($0.isModels || !isNamed) }
        guard !routes.isEmpty else { throw ServerError(.notFound, .validation, "no such route") }
        // HEAD is GET without the body.
        let name = method == .head ? Route.Method.get.rawValue : method.rawValue
        guard let route = routes.first(where: { $0.method.rawValue == name }) else {
            let allowed = routes.flatMap { $0.method == .get ? ["GET", "HEAD"] : ["POST"] }
            var error = ServerError(
                .methodNotAllowed, .validation, "the route takes \(allowed.joined(separator: " and "))")
            error.headers[.allow] = allowed.joined(separator: ", ")
            throw error
        }
        return Match(route: route, path: rest, model: model)
    }

    /// Whether errors of a path are OpenAI's.
    static func isOpenAI(_ path: String) -> Bool {
        Route.table.contains { route in route.isOpenAI && route.paths.contains { path.hasSuffix($0) } }
    }

    /// - Parameter body: that of a POST.
    func answer(_ match: Match, _ body: [UInt8]?) async throws -> Reply {
        let fields = try body.map { try RequestFields($0, match.route.request(self, match.model)) }
        return try await match.route.answer(
            Route.Call(routes: self, model: match.model, fields: fields ?? RequestFields([:], .null)))
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

    var metricsReply: Reply {
        Reply(
            metrics.text(
                waiting: engine.waitingCount, planned: models.reduce(0) { $0 + $1.model.memoryPlan.total }),
            type: "text/plain; version=0.0.4")
    }

    func info(_ served: ServedModel) -> JSONValue {
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

    var modelList: JSONValue {
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
