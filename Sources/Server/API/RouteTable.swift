import Pipelines
import Support

extension Route {
    /// All routes.
    static let table = about + embeddings + scores + tokens + clients + [usual]

    // MARK: About the server

    private static let about: [Route] = [
        Route(
            method: .get, paths: ["/"], name: "page", summary: "A page to try the models by hand.",
            isModels: false, isOpen: true, type: "text/html; charset=utf-8",
            answer: { _ in Reply(Page.start, type: "text/html; charset=utf-8") }),
        Route(
            method: .get, paths: ["/docs"], name: "docs", summary: "The routes as a page.",
            isModels: false, isOpen: true, type: "text/html; charset=utf-8",
            answer: { _ in Reply(Page.documentation, type: "text/html; charset=utf-8") }),
        Route(
            method: .get, paths: ["/openapi.json", "/api-doc/openapi.json"], name: "openapi",
            summary: "This document.", isModels: false,
            response: { _, _ in Schema.anyObject },
            answer: { Reply($0.routes.document) }),
        Route(
            method: .get, paths: ["/health", "/ping"], name: "health",
            summary: "Answers when the models are ready.",
            isModels: false, isOpen: true, type: "text/plain",
            answer: { _ in Reply("", type: "text/plain") }),
        Route(
            method: .get, paths: ["/info"], name: "info", summary: "What the model is, and the limits.",
            response: { _, _ in infoSchema }, answer: { Reply($0.routes.info($0.model)) }),
        Route(
            method: .get, paths: ["/metrics"], name: "metrics", summary: "Counts for Prometheus.",
            isModels: false, type: "text/plain; version=0.0.4", answer: { $0.routes.metricsReply }),
        Route(
            method: .get, paths: ["/v1/models"], name: "models", summary: "The models.", isModels: false,
            isOpenAI: true,
            response: { _, _ in
                Schema.object([
                    "object": Schema.choice(["list"]),
                    "data": Schema.array(
                        Schema.object([
                            "id": Schema.text, "object": Schema.choice(["model"]),
                            "created": Schema.integer(from: 0), "owned_by": Schema.text,
                        ]), atLeast: 1),
                ])
            }, answer: { Reply($0.routes.modelList) }),
    ]

    private static let infoSchema = Schema.object([
        "model_id": Schema.text, "model_dtype": Schema.text, "served_model_name": Schema.text,
        "model_type": Schema.map(Schema.anyObject),
        "max_concurrent_requests": Schema.integer(from: 1), "max_input_length": Schema.integer(from: 1),
        "max_batch_tokens": Schema.integer(from: 1), "max_client_batch_size": Schema.integer(from: 1),
        "auto_truncate": Schema.flag, "tokenization_workers": Schema.integer(from: 1),
        "version": Schema.text, "model_sha?": Schema.text, "max_batch_requests?": Schema.integer(from: 1),
        "sha?": Schema.text, "docker_label?": Schema.text,
    ])

    // MARK: Vectors

    private static let embeddings: [Route] = [
        Route(
            method: .post, paths: ["/embed"], name: "embed", summary: "A vector for each text.",
            isFor: \.makesVectors,
            request: { routes, served in
                Schema.object([
                    "inputs": routes.textsSchema(served), "normalize?": Schema.flag,
                    "dimensions?": routes.dimensionsSchema(served),
                    "prompt_name?": routes.promptSchema(served), "chunk?": Schema.flag,
                    "truncate?": Schema.flag, "truncation_direction?": directions,
                ])
            },
            response: { _, _ in Schema.array(Schema.array(Schema.number)) },
            answer: { try await $0.routes.embed($0.fields, $0.model) }),
        Route(
            method: .post, paths: ["/embed_all"], name: "embed_all", summary: "The state of each token.",
            isFor: \.makesVectors, request: { $0.statesSchema($1) },
            response: { _, _ in Schema.array(Schema.array(Schema.array(Schema.number))) },
            answer: { try await $0.routes.embedAll($0.fields, $0.model) }),
        Route(
            method: .post, paths: ["/embed_sparse"], name: "embed_sparse",
            summary: "A weight for each token of the vocabulary, by the head of a masked language model.",
            isFor: \.makesSparseVectors, request: { $0.statesSchema($1) },
            response: { _, served in
                Schema.array(
                    Schema.array(
                        Schema.object(["index": Schema.integer(from: 0), "value": Schema.number])))
            },
            answer: { try await $0.routes.embedSparse($0.fields, $0.model) }),
        Route(
            method: .post, paths: ["/similarity"], name: "similarity",
            summary: "The cosine of a text's vector with those of others.", isFor: \.makesVectors,
            request: { routes, served in
                Schema.object([
                    "inputs": Schema.object([
                        "source_sentence": Schema.text, "sentences": routes.listSchema(Schema.text),
                    ]),
                    "parameters?": Schema.object([
                        "prompt_name?": routes.promptSchema(served), "chunk?": Schema.flag,
                        "truncate?": Schema.flag, "truncation_direction?": directions,
                    ]),
                ])
            },
            response: { _, _ in Schema.array(Schema.number) },
            answer: { try await $0.routes.similarity($0.fields, $0.model) }),
    ]

    static let directions = Schema.choice(["Left", "Right", "left", "right"])

    // MARK: Labels and scores

    private static let scores: [Route] = [
        Route(
            method: .post, paths: ["/predict"], name: "predict",
            summary: "A number for each label of each text or pair.", isFor: { !$0.makesVectors },
            request: { routes, _ in
                let pair = Schema.array(Schema.text, atLeast: 1, atMost: 2)
                return Schema.object([
                    "inputs": Schema.any([Schema.text, routes.listSchema(Schema.any([Schema.text, pair]))]),
                    "raw_scores?": Schema.flag, "truncate?": Schema.flag,
                    "truncation_direction?": directions,
                ])
            },
            response: { _, _ in
                let row = Schema.array(Schema.object(["score": Schema.number, "label": Schema.text]))
                return Schema.any([row, Schema.array(row)])
            },
            answer: { try await $0.routes.predict($0.fields, $0.model) }),
        Route(
            method: .post, paths: ["/rerank"], name: "rerank",
            summary: "Texts in the order of their scores for a query.", isFor: \.ranks,
            request: { routes, _ in
                Schema.object([
                    "query": Schema.text, "texts": routes.listSchema(Schema.text),
                    "raw_scores?": Schema.flag, "return_text?": Schema.flag, "truncate?": Schema.flag,
                    "truncation_direction?": directions,
                ])
            },
            response: { _, _ in
                Schema.array(
                    Schema.object([
                        "index": Schema.integer(from: 0), "score": Schema.number, "text?": Schema.text,
                    ]))
            },
            answer: { try await $0.routes.rerank($0.fields, $0.model) }),
    ]

    // MARK: Tokens

    private static let tokens: [Route] = [
        Route(
            method: .post, paths: ["/tokenize"], name: "tokenize", summary: "The tokens of texts.",
            request: { routes, served in
                Schema.object([
                    "inputs": Schema.any([Schema.text, routes.listSchema(Schema.text)]),
                    "add_special_tokens?": Schema.flag, "prompt_name?": routes.promptSchema(served),
                ])
            },
            response: { _, _ in
                Schema.array(
                    Schema.array(
                        Schema.object([
                            "id": Schema.integer(from: 0), "text": Schema.text, "special": Schema.flag,
                            "start?": Schema.integer(from: 0), "stop?": Schema.integer(from: 0),
                        ])))
            },
            answer: { try $0.routes.tokenize($0.fields, $0.model) }),
        Route(
            method: .post, paths: ["/decode"], name: "decode", summary: "The texts of tokens.",
            request: { routes, served in
                let ids = routes.idsSchema(served)
                return Schema.object([
                    "ids": Schema.any([
                        Schema.array(ids, atLeast: 1), routes.listSchema(Schema.array(ids)),
                    ]),
                    "skip_special_tokens?": Schema.flag,
                ])
            },
            response: { _, _ in Schema.array(Schema.text) },
            answer: { try $0.routes.decode($0.fields, $0.model) }),
    ]

    // MARK: Other clients

    private static let clients: [Route] = [
        Route(
            method: .post, paths: ["/v1/embeddings", "/embeddings"], name: "embeddings",
            summary: "OpenAI's: a vector for each text.", isOpenAI: true, takesName: true,
            isFor: \.makesVectors,
            request: { routes, served in
                routes.namedSchemas(served, \.makesVectors) { model in
                    [
                        ("input", routes.textsSchema(model)),
                        ("encoding_format?", Schema.choice(["float", "base64"])),
                        ("dimensions?", routes.dimensionsSchema(model)),
                        ("prompt_name?", routes.promptSchema(model)), ("chunk?", Schema.flag),
                        ("truncate?", Schema.flag), ("truncation_direction?", directions),
                    ]
                }
            },
            response: { _, _ in
                let count = Schema.integer(from: 0)
                return Schema.object([
                    "object": Schema.choice(["list"]), "model": Schema.text,
                    "data": Schema.array(
                        Schema.object([
                            "object": Schema.choice(["embedding"]), "index": count,
                            "embedding": Schema.any([Schema.array(Schema.number), Schema.text]),
                        ]), atLeast: 1),
                    "usage": Schema.object(["prompt_tokens": count, "total_tokens": count]),
                ])
            },
            answer: { try await $0.routes.embeddings($0.fields, $0.model) }),
        Route(
            method: .post, paths: ["/v2/rerank", "/v1/rerank"], name: "cohere_rerank",
            summary: "Cohere's: documents in the order of their scores for a query.", takesName: true,
            isFor: \.ranks,
            request: { routes, served in
                routes.namedSchemas(served, \.ranks) { _ in
                    [
                        ("query", Schema.text),
                        (
                            "documents",
                            routes.listSchema(
                                Schema.any([Schema.text, Schema.object(["text": Schema.text])]))
                        ),
                        ("top_n?", Schema.integer(from: 1)), ("return_documents?", Schema.flag),
                    ]
                }
            },
            response: { _, _ in
                Schema.object([
                    "id": Schema.text,
                    "results": Schema.array(
                        Schema.object([
                            "index": Schema.integer(from: 0), "relevance_score": Schema.number,
                            "document?": Schema.object(["text": Schema.text]),
                        ])),
                    "meta": Schema.object(["api_version": Schema.object(["version": Schema.text])]),
                ])
            },
            answer: { try await $0.routes.cohereRerank($0.fields, $0.model) }),
    ]

    /// What a model is for, as text-embeddings-inference answers at `/`.
    private static let usual = Route(
        method: .post, paths: ["/"], name: "usual", summary: "What the model is for.",
        request: { routes, served in
            Schema.any(usual(of: served.model).map { $0.request(routes, served) })
        },
        response: { routes, served in
            Schema.any(usual(of: served.model).map { $0.response(routes, served) })
        },
        answer: { call in
            let routes = usual(of: call.model.model)
            let isOther =
                call.model.model.makesVectors
                ? call.fields.value("inputs")?["source_sentence"] != nil
                : routes.count > 1 && call.fields.value("query") != nil
            let chosen = routes[isOther ? 1 : 0]
            let fields = call.fields.asBody(of: chosen.request(call.routes, call.model))
            return try await chosen.answer(Call(routes: call.routes, model: call.model, fields: fields))
        })

    private static func usual(of model: InferenceModel) -> [Route] {
        let names = model.makesVectors ? ["/embed", "/similarity"] : ["/predict", "/rerank"]
        return names.compactMap { name in
            (embeddings + scores).first { $0.paths[0] == name && $0.isFor(model) }
        }
    }
}

// MARK: Parts of bodies

extension Routes {
    func listSchema(_ items: JSONValue) -> JSONValue {
        Schema.array(items, atLeast: 1, atMost: options.maxClientBatchSize)
    }

    func idsSchema(_ served: ServedModel) -> JSONValue {
        Schema.integer(from: 0, to: served.model.tokenCount - 1)
    }

    /// A text or its token ids, or some.
    func textsSchema(_ served: ServedModel) -> JSONValue {
        let ids = idsSchema(served)
        return Schema.any([
            Schema.text, Schema.array(ids, atLeast: 1),
            listSchema(Schema.any([Schema.text, Schema.array(ids)])),
        ])
    }

    func promptSchema(_ served: ServedModel) -> JSONValue { Schema.choice(served.model.promptNames) }

    func dimensionsSchema(_ served: ServedModel) -> JSONValue {
        Schema.integer(from: 1, to: served.model.vectorWidth)
    }

    func statesSchema(_ served: ServedModel) -> JSONValue {
        Schema.object([
            "inputs": textsSchema(served), "prompt_name?": promptSchema(served), "truncate?": Schema.flag,
            "truncation_direction?": Route.directions,
        ])
    }

    /// A body whose member `model` chooses among the models that can do something: one schema for each. Where there is only one
    /// model, any name is its name.
    ///
    /// - Parameter members: those of the body for a model, beside `model`.
    func namedSchemas(
        _ served: ServedModel, _ isFor: (InferenceModel) -> Bool,
        _ members: (ServedModel) -> [(String, JSONValue)]
    ) -> JSONValue {
        let able = models.filter { isFor($0.model) }
        return Schema.any(
            (able.isEmpty ? [served] : able).map { model in
                let name = models.count == 1 ? Schema.text : Schema.choice([model.name])
                let isUsual = model.name == served.name
                return Schema.object(members(model) + [(isUsual ? "model?" : "model", name)])
            })
    }
}
