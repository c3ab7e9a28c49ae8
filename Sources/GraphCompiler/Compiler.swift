import Codegen
import Foundation
import GraphIR
import KernelIR
import LLVMBridge
import Runtime
import Synchronization
import Transforms

/// Compiles graphs for this machine.
///
/// ```swift
/// let compiler = try Compiler()
/// let parameters = ParameterStore()
/// let executor = try compiler.compile(graph, parameters: parameters)
/// try parameters.set("w", TensorData(weights, shape: [384, 1536]))
/// let outputs = try executor.run(["x": TensorData(values, shape: [2, 384])])
/// ```
public final class Compiler {
    public let options: CompilerOptions
    public let threads: Int
    private let library: KernelLibrary
    private let pool: WorkerPool

    /// Throws when this machine lacks the instruction set asked for, or has less than AVX2.
    public init(_ options: CompilerOptions = CompilerOptions()) throws {
        self.options = options
        let limit = try options.instructionSet.map { name in
            guard let set = InstructionSet(rawValue: name) else {
                let legal = InstructionSet.allCases.map(\.rawValue).joined(separator: ", ")
                throw ExecutionError("is not one of \(legal)", at: "instruction set \"\(name)\"")
            }
            return set
        }
        let cache =
            switch options.cache {
            case .standard: ObjectCache()
            case .directory(let url): ObjectCache(directory: url)
            case .off: ObjectCache(directory: nil)
            }
        threads = options.threads ?? max(1, ProcessInfo.processInfo.activeProcessorCount)
        guard (1...1024).contains(threads) else {
            throw ExecutionError("must be between 1 and 1024", at: "threads \(threads)")
        }
        library = try KernelLibrary(
            cpu: try TargetCPU.host(limit: limit), usesLibraryMatmul: options.matmul == .openblas,
            cache: cache)
        pool = WorkerPool(threads: threads)
    }

    /// The instruction set that kernels use.
    public var instructionSet: String { library.instructionSet }

    /// Why compiled objects are not being kept, if they are not.
    public var cacheWarning: String? { library.cacheWarning }

    /// The graph after all passes. Every stage reached is dumped, also when a later one fails.
    public func optimize(_ graph: Graph) throws -> Graph {
        var graph = graph
        var passes = options.passes
        let stages = Mutex<[(name: String, text: String)]>([])
        if let dump = options.dump {
            try dump("graph", graph.description)
            let observer = passes.observer
            passes.observer = { pass, graph, seconds, changed in
                observer?(pass, graph, seconds, changed)
                stages.withLock { $0.append((pass, graph.description)) }
            }
        }
        let pipeline = PassPipeline.standard(
            rules: options.rules, keeping: Set(options.customKernels.map(\.definition)))
        let result = Result { try pipeline.run(on: &graph, options: passes) }
        for stage in stages.withLock({ $0 }) { try options.dump?(stage.name, stage.text) }
        try result.get()
        return graph
    }

    /// The kernels of an optimised graph.
    public func lower(_ graph: Graph) throws -> Program {
        let program = try Lowering.lower(
            graph, for: library.machine, customKernels: options.customKernels)
        try options.dump?("kernels", program.description)
        return program
    }

    /// Passes, lowering and code generation; the parameters are reserved in, or shared with, `parameters`.
    public func compile(_ graph: Graph, parameters: ParameterStore) throws -> Executor {
        let program = try lower(try optimize(graph))
        return try executor(program, parameters: parameters)
    }

    /// Generates code for a lowered graph.
    public func executor(_ program: Program, parameters: ParameterStore) throws -> Executor {
        if let dump = options.dump { try dump("llvm", llvm(program)) }
        return try Executor(program, library: library, pool: pool, parameters: parameters)
    }

    /// LLVM IR of every different phase.
    public func llvm(_ program: Program) -> String {
        listing(program, comment: ";") { library.ir($0, symbols: $1) }
    }

    /// Assembly of every different phase.
    public func assembly(_ program: Program) throws -> String {
        try listing(program, comment: "#") { try library.assembly($0, symbols: $1) }
    }

    private func listing(
        _ program: Program, comment: String, _ text: (Phase, [String]) throws -> String?
    ) rethrows -> String {
        var seen: Set<Phase> = []
        var result = ""
        for launch in program.launches {
            for phase in launch.kernel.phases where seen.insert(phase).inserted {
                guard let code = try text(phase, program.graph.symbols) else { continue }
                result += "\(comment) \(launch.kernel.name)\(phase.suffix)\n\(code)\n"
            }
        }
        return result
    }
}
