import Foundation
import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import HummingbirdTLS
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Pipelines
import ServiceLifecycle
import UnixSignals

/// Serves models over HTTP in the wire formats of text-embeddings-inference, OpenAI and Cohere.
///
/// ```swift
/// let metrics = ServerMetrics()
/// let engine = try InferenceEngine(options: InferenceEngine.Options(onBatch: metrics.note))
/// let model = ServedModel(name: "minilm", model: try await engine.load("data/minilm"))
/// try await InferenceServer([model], engine: engine, metrics: metrics).run()
/// ```
public struct InferenceServer: Sendable {
    /// Where a server listens and what it lets clients do.
    public struct Options: Sendable {
        /// The address; only this machine can reach the default one.
        public var host = "127.0.0.1"
        /// The port; 0 for any that is free.
        public var port = 8080
        /// The bearer token that requests must have.
        public var apiKey: String?
        /// Bytes of a request's body.
        public var maxBodyBytes = 2_000_000
        /// Bytes that requests and their answers may hold at a time, as estimated from above.
        public var requestMemory = 256 << 20
        /// Texts of a request.
        public var maxClientBatchSize = 512
        /// From a request's head to its answer.
        public var requestTimeout = Duration.seconds(60)
        /// The time that a connection may have no request in work: to send the next head and the rest of a body that is refused,
        /// and to take each piece of an answer.
        public var idleTimeout = Duration.seconds(60)
        /// Connections at a time; more wait to be accepted.
        public var maxConnections = 1024
        /// Whether texts that are too long are cut where a request does not say.
        public var truncates = true
        /// Whether vectors of such texts are made of chunks of them where a request does not say.
        public var chunks = false
        /// PEM files of a certificate chain and its key; with them the server speaks TLS, and HTTP/2 to clients that
        /// ask for it.
        public var tls: (certificate: String, key: String)?
        /// What `/info` calls the type of the numbers.
        public var precision = "float32"
        /// What `/info` calls the program's version.
        public var version = "0"
        /// Receives a line of JSON for each request.
        public var accessLog: (@Sendable (String) -> Void)?

        /// The defaults.
        public init() {}
    }

    private let routes: Routes

    /// A server for models of one engine.
    ///
    /// - Precondition: there is a model.
    public init(
        _ models: [ServedModel], engine: InferenceEngine, metrics: ServerMetrics, options: Options = Options()
    ) {
        precondition(!models.isEmpty, "InferenceServer: at least one model")
        routes = Routes(models: models, engine: engine, metrics: metrics, options: options)
    }

    /// Answers requests until SIGTERM, SIGINT or the cancellation of the calling task. Then no connection is accepted any
    /// more, and every request that was is answered.
    ///
    /// - Parameters:
    ///   - signals: whether signals end it.
    ///   - onReady: called with the port when clients can connect.
    /// - Throws: what opening the port or reading the certificate throws.
    public func run(
        signals: Bool = true, onReady: @escaping @Sendable (_ port: Int) -> Void = { _ in }
    ) async throws {
        let options = routes.options
        var logger = Logger(label: "bertc.serve")
        logger.logLevel = .critical
        let threads = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let application = Application(
            responder: Responder(routes: routes, log: options.accessLog.map(AccessLog.init)),
            server: try Self.channels(options),
            configuration: ApplicationConfiguration(
                address: .hostname(options.host, port: options.port),
                availableConnectionsDelegate: .maximum(options.maxConnections, logger: logger)),
            onServerRunning: { channel in onReady(channel.localAddress?.port ?? options.port) },
            eventLoopGroupProvider: .shared(threads), logger: logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [application], gracefulShutdownSignals: signals ? [.sigterm, .sigint] : [],
                logger: logger))
        do {
            // A task of its own is not cancelled with the caller's, which would end connections at once.
            let running = Task { try await group.run() }
            try await withTaskCancellationHandler {
                try await running.value
            } onCancel: {
                Task { await group.triggerGracefulShutdown() }
            }
        } catch {
            try? await threads.shutdownGracefully()
            guard let failure = error as? IOError else { throw error }
            throw ModelError(
                .invalidSetting,
                "cannot be listened on: \(String(cString: strerror(failure.errnoCode))); choose another address or port",
                at: "\(options.host):\(options.port)")
        }
        try await threads.shutdownGracefully()
    }

    private static func pem<Result>(
        _ path: String, _ content: String, _ read: () throws -> Result
    ) throws -> Result {
        do {
            return try read()
        } catch {
            throw ModelError(.missingFile, "cannot be read as a PEM file with \(content)", at: path)
        }
    }

    private static func channels(_ options: Options) throws -> HTTPServerBuilder {
        let deadline = TimeAmount.nanoseconds(options.idleTimeout.nanoseconds)
        let http1 = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionDeadline(deadline), HangUpWatch()],
            httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))
        guard let tls = options.tls else { return .http1(configuration: http1) }
        let certificates = try pem(tls.certificate, "certificates") {
            try NIOSSLCertificate.fromPEMFile(tls.certificate)
        }
        let key = try pem(tls.key, "a private key") { try NIOSSLPrivateKey(file: tls.key, format: .pem) }
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key))
        return HTTPServerBuilder { responder in
            HandshakeDeadline(
                base: try HTTP2UpgradeChannel(
                    tlsConfiguration: configuration,
                    configuration: HTTP2ChannelConfiguration(
                        idleTimeout: options.idleTimeout, streamConfiguration: http1), responder: responder),
                time: deadline)
        }
    }
}
