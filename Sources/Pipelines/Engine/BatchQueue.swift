import Synchronization
import Text

/// What runs over a batch: sequences with equal work can share one.
struct BatchWork: Hashable, Sendable {
    /// The rows of the output that a sequence gets.
    enum Output: Hashable, Sendable {
        /// The one of an output that has one per sequence.
        case sequence(String)
        /// Those of an output that has one per token, end to end.
        case tokens(String)
        /// One over the vocabulary: log(1 + ReLU(logit)), the greatest over the sequence's tokens (SPLADE).
        case sparse
    }

    /// The number of the model in its engine.
    let model: Int
    let task: EncoderPipeline.Task
    let output: Output
}

/// Sequences that wait to be run, of any number of calls.
///
/// A batch takes from the calls in turn, one sequence each time: a call with many texts delays one with a single text by
/// at most one batch.
final class BatchQueue: Sendable {
    /// A sequence of a call.
    struct Item: Sendable {
        let call: Int
        let index: Int
        let encoding: Encoding
        /// The number of its adapter; 0 for none.
        let adapter: Int32
    }

    struct Batch: Sendable {
        let work: BatchWork
        var items: [Item] = []
        var tokens = 0
    }

    private struct Call {
        let work: BatchWork
        let encodings: [Encoding]
        let adapter: Int32
        let continuation: CheckedContinuation<[[Float]], any Error>
        var results: [[Float]]
        /// Sequences that were handed out.
        var started = 0
        var finished = 0
    }

    private struct State {
        var calls: [Int: Call] = [:]
        /// Calls with sequences that were not handed out, in the order in which they are served.
        var order: [Int] = []
        var nextCall = 0
        /// Sequences that were not handed out.
        var waiting = 0
        /// Whether the engine has been told that there is something to do.
        var isScheduled = false
    }

    private let state = Mutex(State())
    /// Sequences that may wait.
    private let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    /// Sequences that are not in a batch yet.
    var waitingCount: Int { state.withLock(\.waiting) }

    /// Puts a call's sequences into the queue and waits for the result of each.
    ///
    /// - Parameters:
    ///   - adapter: the number of the sequences' adapter; sequences with others may share their batches.
    ///   - wake: called when the engine has to start taking batches.
    /// - Throws: `InferenceError` with `overloaded`, `CancellationError` when the calling task is cancelled, and what
    ///   `fail` is given.
    func results(
        of encodings: [Encoding], _ work: BatchWork, adapter: Int32 = 0, wake: @Sendable () -> Void
    ) async throws -> [[Float]] {
        guard !encodings.isEmpty else { return [] }
        let number = state.withLock { state in
            defer { state.nextCall += 1 }
            return state.nextCall
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let call = Call(
                    work: work, encodings: encodings, adapter: adapter, continuation: continuation,
                    results: Array(repeating: [], count: encodings.count))
                switch add(call, as: number) {
                case .refused(let waiting):
                    continuation.resume(
                        throwing: InferenceError(
                            .overloaded,
                            "Model is overloaded: \(waiting) texts are waiting, and at most \(capacity) may; try again later"
                        ))
                case .accepted(let wakes):
                    if wakes { wake() }
                    if Task.isCancelled { cancel(number) }
                }
            }
        } onCancel: {
            cancel(number)
        }
    }

    private enum Admission {
        case refused(waiting: Int)
        case accepted(wakes: Bool)
    }

    private func add(_ call: Call, as number: Int) -> Admission {
        state.withLock { state in
            guard state.waiting + call.encodings.count <= capacity || state.waiting == 0 else {
                return .refused(waiting: state.waiting)
            }
            state.calls[number] = call
            state.order.append(number)
            state.waiting += call.encodings.count
            defer { state.isScheduled = true }
            return .accepted(wakes: !state.isScheduled)
        }
    }

    private func cancel(_ number: Int) { fail([number], CancellationError()) }

    /// The next batch; `nil` when nothing waits, after which `results` wakes the engine again.
    ///
    /// - Parameter limits: the tokens and sequences that a batch of some work may have; a longer sequence is one of its own.
    func next(_ limits: (BatchWork) -> (tokens: Int, sequences: Int)) -> Batch? {
        state.withLock { state in
            guard let first = state.order.first, let work = state.calls[first]?.work else {
                state.isScheduled = false
                return nil
            }
            var batch = Batch(work: work)
            let limit = limits(work)
            var order = state.order.filter { state.calls[$0]?.work == work }[...]
            while let number = order.popFirst(), let call = state.calls[number] {
                let encoding = call.encodings[call.started]
                let isFull =
                    batch.tokens + encoding.count > limit.tokens || batch.items.count == limit.sequences
                if isFull, !batch.items.isEmpty { continue }
                batch.items.append(
                    Item(call: number, index: call.started, encoding: encoding, adapter: call.adapter))
                batch.tokens += encoding.count
                state.calls[number]?.started += 1
                if call.started + 1 < call.encodings.count { order.append(number) }
            }
            state.waiting -= batch.items.count
            // Those that were served go behind those that were not.
            let served = Set(batch.items.map(\.call))
            state.order =
                state.order.filter { !served.contains($0) }
                + state.order.filter { served.contains($0) }.filter { number in
                    state.calls[number].map { $0.started < $0.encodings.count } ?? false
                }
            return batch
        }
    }

    /// Gives the sequences of a batch their results.
    func finish(_ items: [Item], _ results: [[Float]]) {
        let done = state.withLock { state in
            var done: [Call] = []
            for (item, result) in zip(items, results) {
                // Calls that were cancelled are gone.
                guard state.calls[item.call] != nil else { continue }
                state.calls[item.call]?.results[item.index] = result
                state.calls[item.call]?.finished += 1
                if let call = state.calls[item.call], call.finished == call.encodings.count {
                    state.calls[item.call] = nil
                    done.append(call)
                }
            }
            return done
        }
        for call in done { call.continuation.resume(returning: call.results) }
    }

    /// Ends calls with an error; their sequences wait no longer.
    func fail(_ calls: Set<Int>, _ error: any Error) {
        let failed = state.withLock { state in
            let failed = calls.compactMap { state.calls.removeValue(forKey: $0) }
            state.waiting -= failed.reduce(0) { $0 + $1.encodings.count - $1.started }
            state.order.removeAll { calls.contains($0) }
            return failed
        }
        for call in failed { call.continuation.resume(throwing: error) }
    }
}
