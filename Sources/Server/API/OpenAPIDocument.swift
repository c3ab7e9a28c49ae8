import Support

extension Routes {
    /// The routes that this server's models can answer, in OpenAPI 3.1.
    var document: JSONValue {
        var paths = JSONObject()
        for (index, served) in models.enumerated() {
            for route in Route.table where answers(route, served) && (route.isModels || index == 0) {
                for (number, path) in route.paths.enumerated() {
                    // The first model also answers without its name.
                    let places =
                        (index == 0 ? [("", path)] : [])
                        + (route.isModels && models.count > 1
                            ? [(served.name, "/models/\(served.name)\(path == "/" ? "" : path)")] : [])
                    for (owner, place) in places {
                        let id = [route.name, number == 0 ? "" : "\(number + 1)", owner]
                            .filter { !$0.isEmpty }.joined(separator: "-")
                        var item = paths[place]?.object ?? JSONObject()
                        item[route.method.rawValue.lowercased()] = operation(route, served, id)
                        paths[place] = .object(item)
                    }
                }
            }
        }
        var components = JSONObject([
            ("schemas", .object([("Error", Self.errorSchema), ("OpenAIError", Self.openAIErrorSchema)]))
        ])
        if options.apiKey != nil {
            let scheme: [(String, JSONValue)] = [("type", .string("http")), ("scheme", .string("bearer"))]
            components["securitySchemes"] = .object([("bearer", .object(scheme))])
        }
        return .object([
            ("openapi", .string("3.1.0")),
            ("info", .object([("title", .string("bertc serve")), ("version", .string(options.version))])),
            ("paths", .object(paths)), ("components", .object(components)),
        ])
    }

    /// Whether a route of a model can be answered: by the model, or by another one that is named in the body.
    private func answers(_ route: Route, _ served: ServedModel) -> Bool {
        route.isFor(served.model) || route.takesName && models.contains { route.isFor($0.model) }
    }

    private func operation(_ route: Route, _ served: ServedModel, _ id: String) -> JSONValue {
        func content(_ type: String, _ schema: JSONValue) -> JSONValue {
            .object([(type, .object([("schema", schema)]))])
        }
        let error = JSONValue.object([
            ("$ref", .string("#/components/schemas/\(route.isOpenAI ? "OpenAIError" : "Error")"))
        ])
        var responses: [(String, JSONValue)] = [
            (
                "200",
                .object([
                    ("description", .string("The answer.")),
                    ("content", content(route.type, route.response(self, served))),
                ])
            )
        ]
        for status in route.statuses {
            responses.append(
                (
                    "\(status)",
                    .object([
                        ("description", .string(Self.meanings[status] ?? "An error.")),
                        ("content", content("application/json", error)),
                    ])
                ))
        }
        var members: [(String, JSONValue)] = [
            ("operationId", .string(id)), ("summary", .string(route.summary)),
        ]
        if route.method == .post {
            let body = content("application/json", route.request(self, served))
            members.append(("requestBody", .object([("required", .bool(true)), ("content", body)])))
        }
        members.append(("responses", .object(responses)))
        if options.apiKey != nil, !route.isOpen {
            members.append(("security", .array([.object([("bearer", .array([]))])])))
        }
        return .object(members)
    }

    private static let meanings = [
        400: "No input, or not JSON.", 401: "The bearer token is missing or wrong.",
        404: "No such route or model.", 405: "The route takes another method.",
        408: "The request took too long.", 413: "Too many bytes or texts, or a text that is too long.",
        415: "The body is not declared as JSON.",
        422: "A member is missing or of a wrong type, or a text cannot be tokenised.",
        424: "The model cannot do this, or its numbers are not finite.",
        429: "Too much is waiting; try again later.", 503: "The server ends.",
    ]

    private static let kinds = Schema.choice(ServerError.Kind.allCases.map(\.rawValue))
    private static let errorSchema = Schema.object(["error": Schema.text, "error_type": kinds])
    private static let openAIErrorSchema = Schema.object([
        "error": Schema.object([
            "message": Schema.text, "type": kinds, "code": Schema.integer(from: 400), "param?": Schema.text,
        ]),
        "message": Schema.text, "code": Schema.integer(from: 400), "error_type": kinds,
    ])
}
