import ArgumentParser
import GraphCompiler

/// A stage that `--emit` prints instead of the page.
enum Emission: String, CaseIterable, ExpressibleByArgument {
    /// The graph as built or read, before differentiation.
    case graph
    /// With gradients and updates.
    case training
    /// After the passes before fusion.
    case optimized
    /// After all passes.
    case fused
    case kernels, llvm, asm
    /// Where every value lives in memory, and when.
    case plan
    /// The graph after all passes, for Graphviz.
    case dot
}

/// Makes the text of one stage, narrowed to a selection.
struct StageWriter {
    let source: CompileInput.Source
    let compiler: Compiler
    let selection: NodeSelection

    /// - Parameter symbols: values of the graph's symbols; the plan needs all.
    func text(_ emission: Emission, _ symbols: [String: Int]) throws -> String {
        switch emission {
        case .graph: return try text(source.forward ?? source.graph)
        case .training: return try text(source.graph)
        case .optimized:
            let passes = try compiler.runPasses(source.graph)
            let before = passes.prefix { !PassPipeline.fusionPasses.contains($0.name) }
            return try text(before.last?.graph ?? source.graph)
        case .fused: return try text(try compiler.optimize(source.graph))
        case .dot:
            let graph = try compiler.optimize(source.graph)
            let nodes = try selection.nodes(of: graph)
            return graph.graphviz(where: nodes.contains)
        case .kernels, .llvm, .asm, .plan:
            let program = try compiler.lower(try compiler.optimize(source.graph))
            let nodes = try selection.nodes(of: program.graph)
            if emission == .plan { return planTable(program, symbols, nodes) }
            guard selection.isEmpty || program.launches.contains(where: { nodes.contains($0.node) }) else {
                throw CommandError(
                    .usage, "the selected nodes need no kernel; choose nodes that compute something")
            }
            switch emission {
            case .llvm: return compiler.llvm(program, where: nodes.contains)
            case .asm: return try compiler.assembly(program, where: nodes.contains)
            default: return program.text(where: nodes.contains)
            }
        }
    }

    /// A graph as it compiles again; of a selection, its lines.
    func text(_ graph: Graph) throws -> String {
        selection.isEmpty ? graph.description : graph.text(where: try selection.nodes(of: graph).contains)
    }

    /// A line a tensor or working buffer, in the order of the graph.
    private func planTable(_ program: Program, _ symbols: [String: Int], _ nodes: Set<NodeID>) -> String {
        let memory = program.memory(symbols)
        var table = TextTable(
            ["value", "category", "offset", "bytes", "launches", "node"], left: ["value", "category", "node"])
        for allocation in memory.allocations where nodes.contains(allocation.node) {
            let (first, last) = (allocation.launches.lowerBound, allocation.launches.upperBound)
            table.add([
                allocation.name, allocation.category.rawValue, allocation.offset.map { "\($0)" } ?? "-",
                "\(allocation.byteCount)", first == last ? "\(first)" : "\(first)-\(last)",
                program.graph[allocation.node].caption,
            ])
        }
        return "\(table)\narena \(memory.arenaByteCount) bytes, \(memory.timeline.count) launches\n"
    }
}

extension Node {
    /// The op, and where it stands in the model.
    fileprivate var caption: String {
        if let name = op.suppliedName { return "\(op.mnemonic) \(name)" }
        if case .fusion(let region) = op { return "\(region.name) \(label)" }
        return label.isEmpty ? op.mnemonic : "\(op.mnemonic) \(label)"
    }
}
