import GraphIR
import KernelIR
import Lowering
import Runtime
import Transforms

/// What a training step takes with one choice of what is computed again.
public struct RecomputeCost: Hashable, Sendable {
    /// The choice.
    public let recompute: Recompute
    /// What runs hold beside the parameters, in bytes; the most over all shapes.
    public let run: Executor.RunByteCounts
    /// Bytes of parameters, optimiser states and panels, which outlive runs.
    public let lastingByteCount: Int
    /// Floating-point operations of one run with the first shape.
    public let flops: Int
}

/// What a training step computes again, and beside it the same step without.
public struct Recomputation: Hashable, Sendable {
    /// What is done.
    public let chosen: RecomputeCost
    /// The same step with nothing computed again.
    public let without: RecomputeCost

    /// Bytes of the arena that are not needed.
    public var bytesSaved: Int { without.run.arena - chosen.run.arena }
    /// Operations that are done again, as a share of those without.
    public var addedShare: Double {
        without.flops > 0 ? Double(chosen.flops) / Double(without.flops) - 1 : 0
    }
}

extension Compiler {
    /// Plans a training step with `recompute`, and chooses for `auto`: of the choices that fit, the one that does the
    /// least work; when none fits, the one that holds least; without `fits`, `none`.
    ///
    /// - Parameters:
    ///   - graph: the training step, before the passes.
    ///   - recompute: what to compute again, or `auto`.
    ///   - shapes: symbols of the runs that take most; each has every symbol of the graph, and there is one at least.
    ///   - fits: whether there is memory for that.
    package func recomputation(
        _ graph: Graph, _ recompute: Recompute, shapes: [[String: Int]],
        fits: ((RecomputeCost) -> Bool)? = nil
    ) throws -> Recomputation {
        var base = graph
        let passes = PassPipeline.Options(
            disabled: options.passes.disabled.intersection(pipeline(.none).names), context: context)
        try pipeline(.none).run(on: &base, options: passes)
        let without = try cost(base, .none, shapes)
        guard recompute == .auto else {
            return Recomputation(chosen: try cost(base, recompute, shapes), without: without)
        }
        guard let fits, !fits(without) else { return Recomputation(chosen: without, without: without) }
        // Larger groups leave more of the last layers alone, but compute again what layers hand on within a group.
        let sizes = stride(from: Pass.layerCount(base) - 1, through: 1, by: -1)
        let candidates = try sizes.map { try cost(base, $0 == 1 ? .layer : .every($0), shapes) }
        let chosen =
            candidates.filter(fits).min { ($0.flops, $0.run.total) < ($1.flops, $1.run.total) }
            ?? ([without] + candidates).min { $0.run.total < $1.run.total }
        return Recomputation(chosen: chosen ?? without, without: without)
    }

    /// Planning explains nothing.
    private var context: PassContext { PassContext(costModel: options.passes.context.costModel) }

    /// - Parameter base: a graph after all passes but recomputation.
    private func cost(_ base: Graph, _ recompute: Recompute, _ shapes: [[String: Int]]) throws
        -> RecomputeCost
    {
        var graph = base
        _ = try Pass.recompute(recompute).run(&graph, context)
        let program = try Lowering.lower(
            graph, for: machine, keepsPanels: keepsPanels, customKernels: options.customKernels)
        let parameters = graph.parameters.reduce(0) { total, id in
            let type = graph[id].types[0]
            return total + (type.extents([:]) ?? []).reduce(type.element.byteCount, *)
        }
        return RecomputeCost(
            recompute: recompute, run: try program.runByteCounts(of: shapes, threads: threads),
            lastingByteCount: parameters + program.packings.keys.reduce(0) { $0 + $1.byteCount },
            flops: program.costs(shapes[0], costModel(shapes[0])).reduce(0) { $0 + $1.flops })
    }
}
