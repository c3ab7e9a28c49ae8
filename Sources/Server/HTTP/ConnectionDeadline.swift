import HummingbirdCore
import HummingbirdHTTP2
import Logging
import NIOCore
import NIOHTTPTypes
import NIOSSL
import NIOTLS

/// Closes a connection that has had no request in work for too long: a client that sends a head byte by byte, or none, or goes on
/// sending a body that was refused, or does not take its answer. What arrives meanwhile does not lengthen the time; a request's own
/// time is `Responder`'s. A request that was refused before its body ended has no second answer when the rest is not as it should be.
final class ConnectionDeadline: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let time: TimeAmount
    private var timer: Scheduled<Void>?
    /// Requests whose answers have not begun.
    private var inWork = 0
    /// Whether the last request's body goes on.
    private var hasMore = false
    private var isClosed = false

    init(_ time: TimeAmount) { self.time = time }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { start(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            inWork += 1
            hasMore = true
            stop()
        case .body: break
        case .end: hasMore = false
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .head = unwrapOutboundIn(data) {
            if inWork == 0, hasMore {
                isClosed = true
                context.close(promise: nil)
            }
            inWork = max(0, inWork - 1)
        }
        guard !isClosed else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        if inWork == 0 { start(context) }
        context.write(data, promise: promise)
    }

    private func start(_ context: ChannelHandlerContext) {
        stop()
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }

    private func stop() {
        timer?.cancel()
        timer = nil
    }
}

/// Closes connections on which TLS was not agreed on in time.
struct HandshakeDeadline: ServerChildChannel {
    let base: HTTP2UpgradeChannel
    let time: TimeAmount

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP2UpgradeChannel.Value> {
        let timer = channel.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
        let agreed = AgreementHandler(timer)
        return base.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            // Handlers behind it do not pass on that TLS was agreed on.
            let tls = try pipeline.handler(type: NIOSSLServerHandler.self)
            try pipeline.addHandler(agreed, position: .after(tls))
            return value
        }
    }

    func handle(value: HTTP2UpgradeChannel.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}

/// Ends a timer when TLS is agreed on.
private final class AgreementHandler: ChannelInboundHandler, Sendable {
    typealias InboundIn = Any
    private let timer: Scheduled<Void>

    init(_ timer: Scheduled<Void>) { self.timer = timer }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted = event { timer.cancel() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer.cancel()
        context.fireChannelInactive()
    }
}
