import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Support
import Synchronization

/// What a request comes with.
struct ServerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// Between sockets and routes: limits on size and time, the token, request ids, the access log.
struct Responder: HTTPResponder {
    let routes: Routes
    let log: AccessLog?
    private let memory: RequestMemory
    private var options: InferenceServer.Options { routes.options }

    init(routes: Routes, log: AccessLog?) {
        (self.routes, self.log) = (routes, log)
        memory = RequestMemory(limit: routes.options.requestMemory)
    }

    func respond(to request: Request, context: ServerContext) async throws -> Response {
        let start = ContinuousClock.now
        let id = Self.requestID(request)
        let path = request.uri.path
        var route = "other"
        let share = RequestMemory.Share(of: memory)
        var reply: Reply
        do {
            let match = try routes.match(path, request.method)
            route = match.path
            if !match.route.isOpen { try authorize(request) }
            reply = try await limited(context.channel) {
                try await RequestMemory.Share.$current.withValue(share) {
                    try await routes.answer(
                        match, match.route.method == .post ? try await body(of: request) : nil)
                }
            }
        } catch {
            reply = Reply(ServerError(error), isOpenAI: Routes.isOpenAI(path))
        }
        let duration = ContinuousClock.now - start
        routes.metrics.noteRequest(route, status: reply.status.code, duration)
        log?.write(id, request, reply, duration)
        reply.headers[.contentType] = reply.type
        reply.headers[.xContentTypeOptions] = "nosniff"
        if reply.type.hasPrefix("text/html") { reply.headers[.contentSecurityPolicy] = Page.policy }
        reply.headers[Self.idHeader] = id
        return Response(
            status: reply.status, headers: reply.headers,
            body: Self.body(reply.bytes, isLeftOut: request.method == .head, share))
    }

    /// The body of an answer, in pieces, each of which the client has to take before the connection's time is over.
    ///
    /// - Parameter share: the memory that the request holds until all are taken.
    private static func body(
        _ bytes: [UInt8], isLeftOut: Bool, _ share: RequestMemory.Share
    ) -> ResponseBody {
        ResponseBody(contentLength: bytes.count) { writer in
            for start in stride(from: 0, to: isLeftOut ? 0 : bytes.count, by: pieceBytes) {
                let end = min(start + pieceBytes, bytes.count)
                try await writer.write(ByteBuffer(bytes: bytes[start..<end]))
            }
            try await writer.finish(nil)
            withExtendedLifetime(share) {}
        }
    }

    private static let pieceBytes = 1 << 18

    private static let idHeader = HTTPField.Name("x-request-id") ?? .accept

    /// The client's own id where it is a short one of letters, digits and `-_.`.
    private static func requestID(_ request: Request) -> String {
        let given = request.headers[idHeader] ?? ""
        let isPlain = given.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII
                && (scalar.properties.isAlphabetic || "0123456789-_.".unicodeScalars.contains(scalar))
        }
        return !given.isEmpty && given.utf8.count <= 64 && isPlain ? given : UUID().uuidString.lowercased()
    }

    private func authorize(_ request: Request) throws {
        guard let key = options.apiKey else { return }
        // The scheme's case means nothing (RFC 9110, section 11.1).
        let scheme = "bearer "
        let header = request.headers[.authorization] ?? ""
        let given =
            header.lowercased().hasPrefix(scheme) ? Array(header.utf8.dropFirst(scheme.utf8.count)) : []
        let expected = Array(key.utf8)
        // The time that this takes says nothing about where a wrong token differs.
        let difference = zip(given, expected).reduce(UInt8(given.count == expected.count ? 0 : 1)) {
            $0 | ($1.0 ^ $1.1)
        }
        guard difference == 0 else {
            var error = ServerError(.unauthorized, .validation, "missing or wrong bearer token")
            error.headers[.wwwAuthenticate] = "Bearer"
            throw error
        }
    }

    private func body(of request: Request) async throws -> [UInt8] {
        // Pages of other sites can send bodies without a type unasked, too.
        let media = (request.headers[.contentType] ?? "").prefix { $0 != ";" }
            .trimmingCharacters(in: .whitespaces).lowercased()
        guard media == "application/json" || (media.hasPrefix("application/") && media.hasSuffix("+json"))
        else {
            throw ServerError(
                .unsupportedMediaType, .validation,
                "the body has \(media.isEmpty ? "no content type" : "the content type '\(media)'"); expected application/json"
            )
        }
        // The bytes, and the values that they spell.
        let length = request.headers[.contentLength].flatMap { Int($0) } ?? options.maxBodyBytes
        guard length <= options.maxBodyBytes else { throw tooLarge }
        try RequestMemory.Share.current?.add(4096 + 16 * length)
        do {
            return Array(buffer: try await request.body.collect(upTo: options.maxBodyBytes))
        } catch is NIOTooManyBytesError {
            throw tooLarge
        } catch {
            throw ServerError(.badRequest, .validation, "the body is not whole")
        }
    }

    private var tooLarge: ServerError {
        ServerError(.contentTooLarge, .validation, "the body has more than \(options.maxBodyBytes) bytes")
    }

    /// Runs `body` until the client hangs up or the time is over.
    private func limited(
        _ channel: any Channel, _ body: @escaping @Sendable () async throws -> Reply
    ) async throws -> Reply {
        let isLate = LateFlag()
        let task = Task { try await body() }
        let watch = try? await channel.pipeline.handler(type: HangUpWatch.self).get()
        watch?.onHangUp { task.cancel() }
        let timer = channel.eventLoop.scheduleTask(in: .nanoseconds(options.requestTimeout.nanoseconds)) {
            isLate.set()
            task.cancel()
        }
        defer {
            watch?.onHangUp(nil)
            timer.cancel()
        }
        do {
            return try await task.value
        } catch  where isLate.isSet {
            throw ServerError(
                .requestTimeout, .overloaded, "the request took longer than \(options.requestTimeout)")
        }
    }
}

/// Whether a request's time was over.
private final class LateFlag: Sendable {
    private let flag = Mutex(false)

    var isSet: Bool { flag.withLock(\.self) }

    func set() { flag.withLock { $0 = true } }
}

extension Duration {
    var nanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}

/// One JSON object a request.
struct AccessLog: Sendable {
    let write: @Sendable (String) -> Void

    func write(_ id: String, _ request: Request, _ reply: Reply, _ duration: Duration) {
        let members: [(String, JSONValue)] = [
            (
                "time",
                .string(Date().ISO8601Format(.iso8601(timeZone: .gmt, includingFractionalSeconds: true)))
            ),
            ("request_id", .string(id)), ("method", .string(request.method.rawValue)),
            ("path", .string(request.uri.path)), ("status", .integer(reply.status.code)),
            ("bytes", .integer(reply.bytes.count)),
            ("milliseconds", .double((duration / .milliseconds(1) * 1000).rounded() / 1000)),
        ]
        write(JSONValue.object(members).text(.line))
    }
}
