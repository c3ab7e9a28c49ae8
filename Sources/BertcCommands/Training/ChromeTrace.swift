import Encoders
import Foundation
import GraphCompiler
import Support

/// Writes a trace in Chrome's JSON format, which Perfetto and chrome://tracing open: a track for each worker, an event
/// for each kernel that it took part in; runs are events of worker 0, around its kernels; behind the workers, buckets of gradients
/// on their way between processes. Times are in microseconds.
/// Source: "Trace Event Format", Google, complete events ("X") and metadata ("M").
struct ChromeTrace {
    let trace: RunTrace
    /// Buckets that are under way at once, which overlap as events of one track may not.
    private static let exchangeTracks = 3

    func write(to file: AtomicFile) throws {
        try write("{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n", to: file)
        let exchange = trace.workerCount
        for worker in 0..<(exchange + (trace.exchanges.isEmpty ? 0 : Self.exchangeTracks)) {
            let title = worker < exchange ? "worker \(worker)" : "exchange \(worker - exchange + 1)"
            let name = JSONValue.object([
                ("name", .string("thread_name")), ("ph", .string("M")), ("pid", .integer(1)),
                ("tid", .integer(worker)), ("args", .object([("name", .string(title))])),
            ])
            try write(worker == 0 ? "\(name)" : ",\n\(name)", to: file)
        }
        for run in trace.runs { try write(line(run, "run", worker: 0), to: file) }
        for worker in 0..<trace.workerCount {
            for event in trace.events(of: worker) {
                try write(line(event, "kernel", worker: worker), to: file)
            }
        }
        for (index, event) in trace.exchanges.enumerated() {
            try write(line(event, "exchange", worker: exchange + index % Self.exchangeTracks), to: file)
        }
        try write("\n]}\n", to: file)
    }

    private func line(_ event: RunTrace.Event, _ category: String, worker: Int) -> String {
        let event = JSONValue.object([
            ("name", .string(event.name)), ("cat", .string(category)), ("ph", .string("X")),
            ("pid", .integer(1)), ("tid", .integer(worker)), ("ts", .double(Double(event.begin) / 1000)),
            ("dur", .double(Double(event.end - event.begin) / 1000)),
        ])
        return ",\n\(event)"
    }

    private func write(_ text: String, to file: AtomicFile) throws {
        var text = text
        try text.withUTF8 { try file.write(UnsafeRawBufferPointer($0)) }
    }
}
