import GraphIR
import Interpreter

/// What each stage of a compilation computes, compared with the graph that it came from.
///
/// A difference is the largest one between two elements, divided by the largest magnitude of the tensor that was
/// expected, or by `smallestScale` when that is greater: sums that cancel leave noise that is no mistake.
package struct Bisection: Sendable {
    package struct Stage: Sendable {
        /// A pass; other stages may be appended.
        package let name: String
        package let nodeCount: Int
        /// The largest difference among outputs and updates.
        package let difference: Double

        package init(name: String, nodeCount: Int, difference: Double) {
            self.name = name
            self.nodeCount = nodeCount
            self.difference = difference
        }
    }

    /// The first stage whose results are beyond tolerance.
    package struct Divergence: Sendable {
        package let stage: String
        /// `output "loss"` or `update of "w"`.
        package let result: String
        /// The first node of that stage's graph which computes something else; `nil` when none could be told.
        package let place: String?
        package let difference: Double

        package init(stage: String, result: String, place: String?, difference: Double) {
            self.stage = stage
            self.result = result
            self.place = place
            self.difference = difference
        }
    }

    /// The differences that are roundings.
    package struct Tolerance: Hashable, Sendable {
        /// What folded constants, which passes round, may make of a result.
        package let passes: Double
        /// What kernels may differ by: sums in another order, approximated functions, and operands of lower precision that
        /// are rounded the other way for that.
        package let kernels: Double

        package init(_ precision: Precision) {
            switch precision {
            case .fp32, .bf16x3, .bf16x6: (passes, kernels) = (1e-5, 1e-4)
            // One unit of the operands' type for passes, and 16 for all that a model adds up.
            case .bf16: (passes, kernels) = (0x1p-8, 0x1p-4)
            case .fp16: (passes, kernels) = (0x1p-11, 0x1p-7)
            // A number beside a boundary is rounded the other way, by a part of the greatest of its row.
            case .int8: (passes, kernels) = (0x1p-5, 0x1p-5)
            }
        }
    }

    package static let smallestScale = 1e-3

    package let tolerance: Tolerance
    package var stages: [Stage] = []
    package var divergence: Divergence?

    private init(_ tolerance: Tolerance) { self.tolerance = tolerance }

    /// Runs `passes` on `graph`, interprets the graph after each one that changed it, in `Double`, and stops at the first
    /// that computes something else.
    ///
    /// - Parameters:
    ///   - inputs: a tensor for each input and parameter.
    ///   - precision: what the passes compile for.
    /// - Returns: the comparison, and the graph after the last pass that was compared.
    /// - Throws: `IRError` when a pass fails, `InterpreterError` when the inputs are not what the graph needs.
    package static func run(
        _ graph: Graph, passes: PassPipeline, options: PassPipeline.Options = PassPipeline.Options(),
        inputs: [String: HostTensor], symbols: [String: Int] = [:], precision: Precision = .fp32
    ) throws -> (bisection: Bisection, graph: Graph) {
        var (last, records): (Graph, [PassRecord]) = (graph, [])
        try passes.run(on: &last, options: options, records: &records)
        let reference = try interpreted(graph, inputs, symbols)
        var bisection = Bisection(Tolerance(precision))
        var good = graph
        for record in records {
            guard record.changed else {
                bisection.stages.append(
                    Stage(name: record.name, nodeCount: record.graph.nodes.count, difference: 0))
                continue
            }
            let result = try interpreted(record.graph, inputs, symbols)
            let worst = worst(of: result, against: reference)
            let stage = Stage(
                name: record.name, nodeCount: record.graph.nodes.count, difference: worst?.difference ?? 0)
            bisection.stages.append(stage)
            if let worst, !(worst.difference <= bisection.tolerance.passes) {
                let search = try ValueSearch(
                    before: good, inputs, symbols: symbols, tolerance: bisection.tolerance.passes)
                bisection.divergence = Divergence(
                    stage: record.name, result: worst.name,
                    place: try search.firstUnknown(in: record.graph, inputs, from: worst.roots(record.graph)),
                    difference: worst.difference)
                return (bisection, record.graph)
            }
            good = record.graph
        }
        return (bisection, last)
    }

    private static func interpreted(
        _ graph: Graph, _ inputs: [String: HostTensor], _ symbols: [String: Int]
    ) throws -> InterpreterResult {
        try Interpreter(graph: graph, rounding: false).run(inputs, symbols: symbols)
    }

    // MARK: Comparing

    /// The output or update that differs most.
    package struct Worst: Sendable {
        package let name: String
        package let difference: Double
        private let isUpdate: Bool
        private let key: String

        init(_ key: String, isUpdate: Bool, _ difference: Double) {
            name = isUpdate ? "update of \"\(key)\"" : "output \"\(key)\""
            (self.key, self.isUpdate, self.difference) = (key, isUpdate, difference)
        }

        /// The value in `graph` that it is.
        func roots(_ graph: Graph) -> [Value] {
            guard isUpdate else { return graph.outputs.filter { $0.name == key }.map(\.value) }
            return graph.updates.filter { update in
                if case .source(.parameter(key, _, _)) = graph[update.parameter.node].op {
                    true
                } else {
                    false
                }
            }.map(\.value)
        }
    }

    private static func worst(of result: InterpreterResult, against expected: InterpreterResult) -> Worst? {
        worst(outputs: result.outputs, updates: result.updates, against: expected)
    }

    /// The largest difference between what was computed and what the interpreter says; `nil` without any result.
    package static func worst(
        outputs: [String: HostTensor], updates: [String: HostTensor], against expected: InterpreterResult
    ) -> Worst? {
        var found: [Worst] = []
        for (name, tensor) in expected.outputs {
            found.append(Worst(name, isUpdate: false, difference(outputs[name], tensor)))
        }
        for (name, tensor) in expected.updates {
            found.append(Worst(name, isUpdate: true, difference(updates[name], tensor)))
        }
        return found.max { ($0.difference, $1.name) < ($1.difference, $0.name) }
    }

    /// How far `tensor` is from what was expected; infinite when it is missing, of another shape, or not a number where
    /// it should be.
    package static func difference(_ tensor: HostTensor?, _ expected: HostTensor) -> Double {
        guard let tensor, tensor.shape == expected.shape, tensor.element == expected.element else {
            return .infinity
        }
        var scale = smallestScale
        for value in expected.values where value.isFinite { scale = max(scale, abs(value)) }
        var largest = 0.0
        for (a, b) in zip(tensor.values, expected.values) where a != b && !(a.isNaN && b.isNaN) {
            let difference = abs(a - b)
            guard difference.isFinite else { return .infinity }
            largest = max(largest, difference)
        }
        return largest / scale
    }
}
