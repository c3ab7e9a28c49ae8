import GraphCompiler

/// What a compilation made: nodes before and after the passes, kernels, parameters and memory.
struct CompilationStatistics {
    /// Launches of one kernel template.
    struct Template {
        var launches = 0
        var phases: Set<Phase> = []
        var flops = 0
    }

    /// Parameters of one role.
    struct Parameters {
        var tensors = 0
        var elements = 0
        var bytes = 0
    }

    let name: String
    let instructionSet: String
    let seconds: Double
    let symbols: [String: Int]
    /// Nodes by op, before and after the passes.
    let nodes: [String: (before: Int, after: Int)]
    let templates: [String: Template]
    let kernelCount: Int
    let launchCount: Int
    let parameters: [ParameterRole: Parameters]
    let arena: (byteCount: Int, peakNode: String?)

    /// - Parameters:
    ///   - graph: the graph before the passes.
    ///   - symbols: a value for each of its symbols.
    ///   - seconds: what the compilation took.
    init(graph: Graph, program: Program, symbols: [String: Int], instructionSet: String, seconds: Double) {
        name = graph.name
        self.instructionSet = instructionSet
        self.seconds = seconds
        self.symbols = symbols
        var nodes: [String: (before: Int, after: Int)] = [:]
        for node in graph.nodes { nodes[node.op.mnemonic, default: (0, 0)].before += 1 }
        for node in program.graph.nodes { nodes[node.op.mnemonic, default: (0, 0)].after += 1 }
        self.nodes = nodes
        var templates: [String: Template] = [:]
        for launch in program.launches {
            for phase in launch.kernel.phases {
                templates[phase.template, default: Template()].launches += 1
                templates[phase.template, default: Template()].phases.insert(phase)
                templates[phase.template, default: Template()].flops += phase.flopCount(symbols)
            }
        }
        self.templates = templates
        kernelCount = Set(program.launches.map(\.kernel)).count
        launchCount = program.launches.count
        var parameters: [ParameterRole: Parameters] = [:]
        for case .parameter(_, let type, let role) in program.graph.nodes.map(\.op) {
            let elements = Extent(type.shape).value(symbols)
            parameters[role, default: Parameters()].tensors += 1
            parameters[role, default: Parameters()].elements += elements
            parameters[role, default: Parameters()].bytes += elements * type.element.byteCount
        }
        self.parameters = parameters
        arena = program.arena(symbols)
    }

    var nodeTotals: (before: Int, after: Int) {
        nodes.values.reduce((0, 0)) { ($0.0 + $1.before, $0.1 + $1.after) }
    }

    var flops: Int { templates.values.reduce(0) { $0 + $1.flops } }

    /// `length 128, sequences 8, tokens 1024`
    var shape: String {
        symbols.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }
}

extension Phase {
    /// The code template that generates the phase.
    var template: String {
        switch self {
        case .rows: "rows"
        case .pack: "pack"
        case .block: "product"
        case .problems: "batched product"
        case .library: "OpenBLAS"
        case .scatterAdd: "scatter-add"
        case .segments: "segments"
        case .copy: "copy"
        }
    }
}
