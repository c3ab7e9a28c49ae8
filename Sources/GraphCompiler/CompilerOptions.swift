import Foundation
import GraphIR
import Target
import Transforms

/// How graphs are compiled and run.
public struct CompilerOptions: Sendable {
    /// What multiplies matrices.
    public enum MatmulLowering: String, Sendable, CaseIterable {
        /// Kernels that bertc generates.
        case generated
        /// OpenBLAS calls.
        case openblas
    }

    /// The names of all instruction sets, the weakest first.
    public static let instructionSets = Target.all.map(\.name)

    /// Where compiled objects are kept.
    public enum Cache: Sendable {
        /// The user's cache directory.
        case standard
        /// A directory of your own, which is made.
        case directory(URL)
        /// Nowhere: every kernel is compiled anew.
        case off
    }

    /// The highest instruction set to use, one of `instructionSets`; the host's best when `nil`.
    public var instructionSet: String?
    /// Worker threads. When `nil`, one for each core that the process may use, by its affinity mask and its control
    /// groups' quotas; of cores of several kinds, each of the fast ones.
    public var threads: Int?
    /// What multiplies matrices.
    public var matmul: MatmulLowering
    /// Element type of the operands of matrix products and attention.
    public var precision: Precision
    /// With the precision `int8`, names of the weights that stay f32; `*`, `?` and `[...]` as in a shell.
    public var unquantized: [String] = []
    /// What training steps compute again for the backward pass rather than hold; `auto` is `none` here, where no
    /// shapes are known (`Compiler.recomputation` chooses).
    public var recompute: Recompute
    /// Where compiled kernels are kept between runs.
    public var cache: Cache
    /// How many of them are kept, and for how long; what `BERTC_CACHE_MAX_SIZE` and `BERTC_CACHE_MAX_AGE` in the
    /// environment say when `nil`, or 512 MB and 30 days.
    public var cacheLimits: CacheLimits?
    /// Passes to leave out, and who hears of what they decide.
    public var passes: PassPipeline.Options
    /// Rewrite rules that run before all passes, as the pass `user-rules`.
    public var rules: [RewriteRule]
    /// Kernels of custom ops; those without one are decomposed.
    public var customKernels: [CustomKernel]
    /// Receives every stage of a compilation as text, in order.
    public var dump: (@Sendable (CompilationStage) throws -> Void)?

    /// The options as they stand above; without any, fp32 on all usable cores with the best instruction set.
    public init(
        instructionSet: String? = nil, threads: Int? = nil, matmul: MatmulLowering = .generated,
        precision: Precision = .fp32, recompute: Recompute = .none, cache: Cache = .standard,
        cacheLimits: CacheLimits? = nil, passes: PassPipeline.Options = PassPipeline.Options(),
        rules: [RewriteRule] = [], customKernels: [CustomKernel] = [],
        dump: (@Sendable (CompilationStage) throws -> Void)? = nil
    ) {
        self.instructionSet = instructionSet
        self.threads = threads
        self.matmul = matmul
        self.precision = precision
        self.recompute = recompute
        self.cache = cache
        self.cacheLimits = cacheLimits
        self.passes = passes
        self.rules = rules
        self.customKernels = customKernels
        self.dump = dump
    }
}
