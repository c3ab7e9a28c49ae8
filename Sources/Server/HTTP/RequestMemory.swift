import Synchronization

/// Memory that requests may hold at a time, beside the models'. What a request needs is estimated from above before it is
/// taken; a request that does not fit is refused.
final class RequestMemory: Sendable {
    let limit: Int
    private let used = Mutex(0)

    init(limit: Int) { self.limit = limit }

    /// The part of one request; given back with the last reference.
    final class Share: Sendable {
        private let memory: RequestMemory
        private let byteCount = Mutex(0)

        /// That of the request that the current task answers.
        @TaskLocal static var current: Share?

        init(of memory: RequestMemory) { self.memory = memory }

        deinit {
            let byteCount = byteCount.withLock(\.self)
            memory.used.withLock { $0 -= byteCount }
        }

        /// - Throws: `ServerError` with status 429 when other requests hold too much.
        func add(_ count: Int) throws {
            let own = byteCount.withLock(\.self)
            let isRefused = memory.used.withLock { used in
                guard used + count <= memory.limit else { return true }
                used += count
                return false
            }
            guard !isRefused else { throw refusal(fits: own + count <= memory.limit) }
            byteCount.withLock { $0 += count }
        }

        private func refusal(fits: Bool) -> ServerError {
            guard fits else {
                return ServerError(
                    .contentTooLarge, .validation,
                    "the request and its answer need more memory than requests may have; send fewer texts")
            }
            var error = ServerError(
                .tooManyRequests, .overloaded,
                "Model is overloaded: requests hold as much memory as they may; try again later")
            error.headers[.retryAfter] = "1"
            return error
        }
    }
}
