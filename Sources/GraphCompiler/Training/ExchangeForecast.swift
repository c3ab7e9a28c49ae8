import Collectives
import GraphIR
import KernelIR
import Runtime
import Transforms

/// What the exchange of gradients will take beside a step's kernels, as the cost model and a network's rates predict it.
package struct ExchangeForecast: Sendable {
    /// A network between processes.
    package struct Network: Sendable, Hashable {
        /// What a process sends, and receives at the same time, in bytes a second.
        package let byteRate: Double
        /// Seconds until a message begins to arrive.
        package let latency: Double

        package init(byteRate: Double, latency: Double) {
            (self.byteRate, self.latency) = (byteRate, latency)
        }

        /// Seconds in which a process sends so many bytes to others, and receives as many.
        func seconds(_ byteCount: Double) -> Double { latency + byteCount / byteRate }
    }

    /// A bucket's times, in seconds since the backward pass began with the forward pass.
    package struct Bucket: Sendable {
        package let byteCount: Int
        package let sentByteCount: Int
        package let ready: Double
        /// When the sums have come; `nil` without a network.
        package let end: Double?
    }

    package let processes: Int
    package let buckets: [Bucket]
    /// Seconds of the kernels of forward and backward pass, and of the update.
    package let compute: Double
    package let update: Double

    /// Bytes that each process sends in a step with a micro-batch for each.
    package var sentByteCount: Int { buckets.reduce(0) { $0 + $1.sentByteCount } }
    /// Seconds that all transfers take.
    package func transfer(on network: Network) -> Double {
        buckets.reduce(0) { $0 + 2 * network.seconds(Double($1.sentByteCount) / 2) }
    }
    /// Seconds for which kernels wait for the exchange.
    package var wait: Double? { buckets.last?.end.map { max(0, $0 - compute) } }
    /// Seconds of a step.
    package var step: Double? { wait.map { compute + $0 + update } }

    /// - Parameters:
    ///   - program: what a process runs for its micro-batch, with accumulators.
    ///   - costs: of its launches, in the program's order.
    ///   - update: seconds of the program that follows.
    ///   - gathered: elements that are read of tables, whose gradients travel without what is 0.
    ///   - processes: how many; at least 1.
    init(
        _ program: Program, costs: [LaunchCost], update: Double, gathered: [String: Int], processes: Int,
        on network: Network? = nil
    ) {
        let accumulators: [(name: String, count: Int)] = program.graph.nodes.compactMap { node in
            guard case .source(.parameter(let name, let type, .accumulator)) = node.op else { return nil }
            return (name, (type.extents([:]) ?? []).reduce(1, *))
        }
        let (order, counts) = program.completion(of: accumulators.map(\.name))
        var times = [0.0]
        for launch in order { times.append(times[times.count - 1] + costs[launch].seconds) }
        let plan = ExchangePlan(
            zip(accumulators, counts).map { ExchangePlan.Tensor(name: $0.name, count: $0.count, ready: $1) },
            size: processes)
        // Of each element's bytes those that travel, there and back: all, or of a table the rows of one and of all batches.
        let touched = Dictionary(
            uniqueKeysWithValues: gathered.map { (TrainingNames.gradientSum(of: $0.key), $0.value) })
        let shares = accumulators.map { name, count in
            guard let rows = touched[name], rows > 0, count > 0 else { return 2.0 }
            return Double(min(count, rows) + min(count, processes * rows)) / Double(count)
        }
        var free = 0.0
        buckets = plan.buckets.map { bucket in
            let byteCount = bucket.count * 4
            let travels = bucket.pieces.joined().reduce(0.0) {
                $0 + Double($1.range.count * 4) * shares[$1.tensor]
            }
            let sent = Int(travels) * (processes - 1) / processes
            let ready = times[min(bucket.ready, times.count - 1)]
            let end = network.map { network in
                processes == 1 ? ready : max(free, ready) + 2 * network.seconds(Double(sent) / 2)
            }
            free = end ?? free
            return Bucket(byteCount: byteCount, sentByteCount: sent, ready: ready, end: end)
        }
        self.processes = processes
        (compute, self.update) = (times[times.count - 1], update)
    }
}

extension Compiler {
    /// What a step of several processes takes.
    ///
    /// - Parameters:
    ///   - forward: a graph with a loss.
    ///   - symbols: of a process's micro-batch.
    package func exchangeForecast(
        _ forward: Graph, _ options: OptimizerOptions, symbols: [String: Int], processes: [Int],
        on network: ExchangeForecast.Network?
    ) throws -> [ExchangeForecast] {
        func program(_ graph: Graph, readers: [Program] = []) throws -> Program {
            try lower(
                try runPasses(graph).last?.graph ?? graph, keepsPanels: keepsPanels, readers: readers)
        }
        let model = costModel([:])
        let first = try program(try accumulationStep(forward, options: options, addsUp: false))
        let update = try program(try updateStep(forward, options: options), readers: [first])
        let costs = first.costs(symbols, model)
        let gathered = forward.gatheredParameters(symbols)
        let seconds = update.costs(symbols, model).reduce(0) { $0 + $1.seconds }
        return processes.map {
            ExchangeForecast(
                first, costs: costs, update: seconds, gathered: gathered, processes: $0, on: network)
        }
    }
}
