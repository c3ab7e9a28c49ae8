import GraphCompiler
import Pipelines
import Runtime
import Synchronization

/// What a server counts, in Prometheus' text format.
public final class ServerMetrics: Sendable {
    private struct Histogram {
        let bounds: [Double]
        var counts: [Int]
        var sum = 0.0

        init(_ bounds: [Double]) {
            self.bounds = bounds
            counts = Array(repeating: 0, count: bounds.count + 1)
        }

        mutating func add(_ value: Double) {
            counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
            sum += value
        }

        func text(_ name: String, _ help: String) -> String {
            var text = "# HELP \(name) \(help)\n# TYPE \(name) histogram\n"
            var total = 0
            for (bound, count) in zip(bounds, counts) {
                total += count
                text += "\(name)_bucket{le=\"\(bound)\"} \(total)\n"
            }
            total += counts[bounds.count]
            return text + "\(name)_bucket{le=\"+Inf\"} \(total)\n\(name)_sum \(sum)\n\(name)_count \(total)\n"
        }
    }

    private struct RequestKey: Hashable, Comparable {
        let route: String
        let status: Int

        static func < (left: Self, right: Self) -> Bool {
            (left.route, left.status) < (right.route, right.status)
        }
    }

    private struct State {
        var requests: [RequestKey: Int] = [:]
        var durations = Histogram(ServerMetrics.seconds)
        var batchTokens = Histogram((4...16).map { Double(1 << $0) })
        var batchDurations = Histogram(ServerMetrics.seconds)
        var tokens = 0
        var texts = 0
    }

    private static let seconds = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ]
    private let state = Mutex(State())

    /// Counts that start at zero.
    public init() {}

    /// Counts a batch; what `InferenceEngine.Options.onBatch` is given.
    public func note(_ batch: InferenceEngine.BatchReport) {
        state.withLock { state in
            state.tokens += batch.tokens
            state.texts += batch.sequences
            state.batchTokens.add(Double(batch.tokens))
            state.batchDurations.add(batch.duration / .seconds(1))
        }
    }

    func noteRequest(_ route: String, status: Int, _ duration: Duration) {
        state.withLock { state in
            state.requests[RequestKey(route: route, status: status), default: 0] += 1
            state.durations.add(duration / .seconds(1))
        }
    }

    /// - Parameters:
    ///   - waiting: texts in the queue.
    ///   - planned: bytes that the models' memory plans add up to.
    func text(waiting: Int, planned: Int) -> String {
        let state = state.withLock(\.self)
        var text = "# HELP te_request_count Requests that were answered.\n# TYPE te_request_count counter\n"
        for (key, count) in state.requests.sorted(by: { $0.key < $1.key }) {
            text += "te_request_count{route=\"\(key.route)\",status=\"\(key.status)\"} \(count)\n"
        }
        text += state.durations.text("te_request_duration", "Seconds from a request to its answer.")
        text += state.batchTokens.text("te_batch_next_tokens", "Tokens of a batch.")
        text += state.batchDurations.text("te_batch_inference_duration", "Seconds that a batch ran.")
        func single(_ name: String, _ type: String, _ help: String, _ value: Int) -> String {
            "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n\(name) \(value)\n"
        }
        text += single("te_tokens_total", "counter", "Tokens that were run.", state.tokens)
        text += single("te_texts_total", "counter", "Texts that were run.", state.texts)
        text += single("te_queue_size", "gauge", "Texts that wait.", waiting)
        text += single(
            "process_resident_memory_bytes", "gauge", "Resident memory.", ProcessMemory.residentByteCount)
        return text
            + single("te_planned_memory_bytes", "gauge", "Memory that the models' plans have.", planned)
    }
}
