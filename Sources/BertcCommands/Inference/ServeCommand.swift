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
            (/v1/embeddings, /v1/models) and Cohere's (/v2/rerank). /openapi.json describes all of them, and
            a browser finds a page to try them by hand at /.
            Whatever waits is packed into one batch without padding. Memory for the largest batch is taken and
            printed at the start. SIGTERM and Ctrl-C end the server when every accepted request is answered.
            A model's name is its directory's; adapters, whose texts share the base's batches, have names of
            their own. With several models the field 'model' or a path's start
            /models/NAME chooses one; the first one answers otherwise.

            EXAMPLE:
              bertc serve data/minilm
              bertc serve data/minilm runs/reranker --port 8081 --threads 2
              bertc serve data/minilm --adapter law=adapters/law --adapter news=adapters/news
              curl localhost:8080/embed -H 'content-type: application/json' -d '{"inputs": "A fine film."}'
            """)

    @Argument(help: "Model directories, or directories of adapters.")
    var models: [String]

    @Option(
        name: .customLong("adapter"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A low-rank adapter over the model (PEFT's layout), served under the name; may be given several times.",
            valueName: "name=dir"))
    var adapters: [String] = []

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

    @Flag(help: "Make vectors of longer texts of the vectors of their chunks where a request does not say.")
    var chunk = false

    @Option(
        name: .customLong("idle-timeout"),
        help: "Seconds that a connection may take to send the next request's head, or to take an answer.")
    var idleTimeout = 60

    @Option(
        name: .customLong("max-connections"), help: "Connections at a time; more wait to be accepted.")
    var maxConnections = 1024

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
            ("--request-memory", requestMemory), ("--idle-timeout", idleTimeout),
            ("--max-connections", maxConnections),
            ("--max-client-batch-size", maxClientBatchSize), ("--max-body-bytes", maxBodyBytes),
        ]
        let most = Int(Int32.max)
        if let (name, count) = counts.first(where: { !(1...most).contains($0.1) }) {
            throw ValidationError("\(name) is \(count); expected 1 to \(most)")
        }
        guard bearerKey?.isEmpty != true else {
            throw ValidationError(
                "the key is empty; without --api-key and BERTC_API_KEY the server asks for none")
        }
        guard (certificate == nil) == (key == nil) else {
            throw ValidationError("--tls-certificate and --tls-key belong together; give both")
        }
        guard adapters.isEmpty || models.count == 1 else {
            throw ValidationError("--adapter is for one model; \(models.count) are given")
        }
        if let wrong = adapters.first(where: { Self.adapter($0) == nil }) {
            throw ValidationError("--adapter is '\(wrong)'; expected NAME=DIRECTORY")
        }
        let names = models.map(Self.name) + adapters.compactMap { Self.adapter($0)?.name }
        if let name = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw ValidationError(
                "two models have the name '\(name)'; models have that of their directories, adapters what stands before '='"
            )
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

    private var bearerKey: String? { apiKey ?? ProcessInfo.processInfo.environment["BERTC_API_KEY"] }

    private static func name(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
    }

    private static func adapter(_ text: String) -> (name: String, path: String)? {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        return parts.count == 2 && !parts[0].contains("/") ? (parts[0], parts[1]) : nil
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
            let adapters = adapters.compactMap(Self.adapter)
            let loaded = try await engine.load(
                path, adapters: adapters.map(\.path),
                options: EncoderPipeline.Options(maxLength: maxLength, truncates: !noTruncate))
            let model = loaded[0]
            for note in model.notes { global.note("\(path): \(note)") }
            let plan = model.memoryPlan
            global.note(
                "\(path): \(Formatted.bytes(plan.total)) planned: \(Formatted.bytes(plan.parameters)) of parameters, "
                    + "\(Formatted.bytes(plan.arena)) for a batch of \(max(maxBatchTokens, model.maxLength)) tokens, "
                    + "\(Formatted.bytes(plan.scratch)) of working memory")
            let names = [Self.name(path)] + adapters.map(\.name)
            served += zip(names, loaded).map { ServedModel(name: $0, model: $1) }
        }
        var options = InferenceServer.Options()
        (options.host, options.port) = (host, port)
        options.apiKey = bearerKey
        (options.maxBodyBytes, options.maxClientBatchSize) = (maxBodyBytes, maxClientBatchSize)
        options.requestMemory = requestMemory * 1_000_000
        options.requestTimeout = .seconds(timeout)
        options.idleTimeout = .seconds(idleTimeout)
        options.maxConnections = maxConnections
        (options.truncates, options.chunks) = (!noTruncate, chunk)
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
