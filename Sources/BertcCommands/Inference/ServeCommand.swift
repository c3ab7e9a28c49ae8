import ArgumentParser
import Dispatch
import Foundation
import GraphCompiler
import Pipelines
import Runtime
import Server
import Support
import Synchronization

/// `bertc serve`: models over HTTP.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Answers requests over HTTP.",
        discussion: """
            Speaks text-embeddings-inference's wire format (/embed, /embed_all, /embed_sparse,
            /similarity, /predict, /rerank, /tokenize, /decode, /info, /health, /metrics), OpenAI's
            (/v1/embeddings, /v1/models) and Cohere's (/v2/rerank).
            Whatever waits is packed into one batch without padding. Memory for the largest batch is taken and
            printed at the start. SIGTERM and Ctrl-C end the server when every accepted request is answered.
            A model's name is its directory's. With several models the field 'model' or a path's start
            /models/NAME chooses one; the first one answers otherwise.

            EXAMPLE:
              bertc serve data/minilm
              bertc serve data/minilm runs/reranker --port 8081 --threads 2
              curl localhost:8080/embed -H 'content-type: application/json' -d '{"inputs": "A fine film."}'
            """)

    @Argument(help: "Model directories, or directories of adapters.")
    var models: [String]

    @Option(help: "The address to listen on; others than this machine can reach 0.0.0.0.")
    var host = "127.0.0.1"

    @Option(help: "The port; 0 for any that is free.")
    var port = 8080

    @Option(
        name: .customLong("api-key"), parsing: .unconditional,
        help: "The bearer token that requests must have; BERTC_API_KEY in the environment by default.")
    var apiKey: String?

    @Option(name: .customLong("max-batch-tokens"), help: "Tokens in a batch.")
    var maxBatchTokens = 4096

    @Option(
        name: .customLong("max-queue"), help: "Texts that may wait; more are refused with status 429.")
    var maxQueue = 512

    @Option(name: .customLong("max-client-batch-size"), help: "Texts in a request.")
    var maxClientBatchSize = 512

    @Option(name: .customLong("max-body-bytes"), help: "Bytes in a request's body.")
    var maxBodyBytes = 2_000_000

    @Option(
        name: .customLong("request-memory"),
        help: "Megabytes that requests and their answers may hold at a time.")
    var requestMemory = 256

    @Option(help: "Seconds that a request may take.")
    var timeout = 60

    @Option(
        name: .customLong("max-length"),
        help: "Tokens of the longest sequence; what the model takes by default.")
    var maxLength: Int?

    @Flag(
        name: .customLong("no-truncate"),
        help: "Refuse longer texts where a request does not say what becomes of them.")
    var noTruncate = false

    @Option(
        name: .customLong("tls-certificate"),
        help: "A PEM file with the certificate chain, for TLS and HTTP/2.")
    var certificate: String?

    @Option(name: .customLong("tls-key"), help: "A PEM file with the certificate's key.")
    var key: String?

    @OptionGroup(title: "Passes") var passes: PassOptions
    @OptionGroup(title: "Common options") var global: GlobalOptions

    func validate() throws {
        guard !models.isEmpty else { throw ValidationError("expected a model") }
        guard (0...65535).contains(port) else {
            throw ValidationError("--port is \(port); expected 0 to 65535")
        }
        let counts = [
            ("--max-batch-tokens", maxBatchTokens), ("--max-queue", maxQueue), ("--timeout", timeout),
            ("--request-memory", requestMemory),
            ("--max-client-batch-size", maxClientBatchSize), ("--max-body-bytes", maxBodyBytes),
        ]
        if let (name, count) = counts.first(where: { $0.1 < 1 }) {
            throw ValidationError("\(name) is \(count); expected at least 1")
        }
        guard (certificate == nil) == (key == nil) else {
            throw ValidationError("--tls-certificate and --tls-key belong together; give both")
        }
        let names = models.map(Self.name)
        if let name = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw ValidationError(
                "two models have the name '\(name)', which their directories have; rename one")
        }
    }

    func run() throws {
        // The main thread waits; what the server does is on other threads.
        let outcome = Mutex<Result<Void, any Error>?>(nil)
        let done = DispatchSemaphore(value: 0)
        let command = self
        Task {
            let result: Result<Void, any Error>
            do {
                try await command.serve()
                result = .success(())
            } catch {
                result = .failure(error)
            }
            outcome.withLock { $0 = result }
            done.signal()
        }
        done.wait()
        try outcome.withLock(\.self)?.get()
    }

    private static func name(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
    }

    private func serve() async throws {
        var compilerOptions = global.compilerOptions
        try passes.apply(to: &compilerOptions)
        let metrics = ServerMetrics()
        let engine = try InferenceEngine(
            compiler: try global.makeCompiler(compilerOptions),
            options: InferenceEngine.Options(
                maxBatchTokens: maxBatchTokens, maxQueue: maxQueue, onBatch: metrics.note))
        var served: [ServedModel] = []
        for path in models {
            let model = try await engine.load(
                path, options: EncoderPipeline.Options(maxLength: maxLength, truncates: !noTruncate))
            for note in model.notes { global.note("\(path): \(note)") }
            let plan = model.memoryPlan
            global.note(
                "\(path): \(Formatted.bytes(plan.total)) planned: \(Formatted.bytes(plan.parameters)) of parameters, "
                    + "\(Formatted.bytes(plan.arena)) for a batch of \(max(maxBatchTokens, model.maxLength)) tokens, "
                    + "\(Formatted.bytes(plan.scratch)) of working memory")
            served.append(ServedModel(name: Self.name(path), model: model))
        }
        var options = InferenceServer.Options()
        (options.host, options.port) = (host, port)
        options.apiKey = apiKey ?? ProcessInfo.processInfo.environment["BERTC_API_KEY"]
        (options.maxBodyBytes, options.maxClientBatchSize) = (maxBodyBytes, maxClientBatchSize)
        options.requestMemory = requestMemory * 1_000_000
        options.requestTimeout = .seconds(timeout)
        options.truncates = !noTruncate
        if let certificate, let key { options.tls = (certificate, key) }
        options.precision =
            compilerOptions.precision == .fp32 ? "float32" : compilerOptions.precision.rawValue
        options.version = BertcCommand.configuration.version
        if !global.quiet {
            options.accessLog = { line in
                Console.print(line)
                Console.flush()
            }
        }
        let server = InferenceServer(served, engine: engine, metrics: metrics, options: options)
        let (scheme, host, note) = (certificate == nil ? "http" : "https", host, global.note)
        let resident = ProcessMemory.residentByteCount
        note(
            "\(Formatted.bytes(resident)) are resident; with requests in flight at most "
                + Formatted.bytes(resident + options.requestMemory))
        try await server.run { port in note("ready at \(scheme)://\(host):\(port)") }
    }
}
