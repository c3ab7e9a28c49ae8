import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A connection to this machine over which any bytes can be sent. Its calls block, and so belong into `blocking`.
final class RawConnection {
    /// Runs what blocks on a thread that no task needs: the server's tasks are in this process.
    static func blocking<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Swift.Result { try body() }) }
        }
    }

    /// Connections to a port that are not closed.
    static func count(port: Int) throws -> Int {
        let port = String(format: ":%04X", port)
        return try String(contentsOfFile: "/proc/self/net/tcp", encoding: .utf8).split(separator: "\n").count
        { line in
            let parts = line.split(separator: " ")
            // Those that listen (0A), or that the system keeps for a while (06), are none.
            return parts.count > 3 && parts[1].hasSuffix(port) && parts[3] != "0A" && parts[3] != "06"
        }
    }

    private let descriptor: Int32

    init(port: Int, seconds: Int = 10) throws {
        #if canImport(Glibc)
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard status == 0 else { throw CocoaError(.fileReadUnknown) }
    }

    deinit { close(descriptor) }

    /// Sends as much as the other side takes.
    func write(_ bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// Says that no more will be sent.
    func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// All that the other side sends until it closes, or until `isEnough`; nil when it takes too long.
    func read(_ isEnough: (String) -> Bool = { _ in false }) -> String? {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(descriptor, &piece, piece.count, 0)
            let text = String(decoding: bytes, as: UTF8.self)
            if count == 0 || count < 0 && errno == ECONNRESET { return text }
            guard count > 0 else { return nil }
            bytes += piece[..<count]
            if isEnough(String(decoding: bytes, as: UTF8.self)) {
                return String(decoding: bytes, as: UTF8.self)
            }
        }
    }

    /// The statuses of the answers in what was read.
    static func statuses(_ text: String) -> [Int] {
        text.matches(of: /HTTP\/1\.1 ([0-9]{3})/).compactMap { Int($0.1) }
    }
}
