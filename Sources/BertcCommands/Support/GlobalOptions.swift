import ArgumentParser
import GraphCompiler

/// Options that every command takes.
struct GlobalOptions: ParsableArguments {
    /// The name of an instruction set that kernels can be limited to.
    struct InstructionSet: ExpressibleByArgument {
        let name: String

        static let allValueStrings = CompilerOptions.instructionSets
        static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }

        init?(argument: String) {
            guard Self.allValueStrings.contains(argument) else { return nil }
            name = argument
        }
    }

    @Option(help: "Worker threads; one per usable core by default.")
    var threads: Int?

    @Option(help: "The highest instruction set to use; the machine's best by default.")
    var cpu: InstructionSet?

    @Option(help: "What multiplies matrices; generated kernels by default.")
    var matmul: CompilerOptions.MatmulLowering?

    @Option(help: "Of products and attention; fp32 by default.")
    var precision: Precision?

    @Flag(name: .customLong("no-cache"), help: "Neither read nor keep compiled kernels on disk.")
    var noCache = false

    @Flag(help: "Print results as JSON, one object per line.")
    var json = false

    @Flag(help: "Print results only.")
    var quiet = false

    func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads is \(threads); expected 1 to 1024")
        }
    }

    var compilerOptions: CompilerOptions {
        CompilerOptions(
            instructionSet: cpu?.name, threads: threads, matmul: matmul ?? .generated,
            precision: precision ?? .fp32, cache: noCache ? .off : .standard
        )
    }

    /// The precision to train with, where one is given.
    /// - Throws: `CommandError` for one that is for inference only.
    func trainingPrecision() throws -> Precision? {
        guard let precision, !Precision.forTraining.contains(precision) else { return precision }
        let expected = Precision.forTraining.map(\.rawValue).joined(separator: ", ")
        throw CommandError(
            .usage,
            "--precision \(precision.rawValue) is for inference; to train, expected one of \(expected)")
    }

    /// Says something that is not a result, unless `--quiet`.
    func note(_ line: String) {
        if !quiet { Console.note(line) }
    }

    /// A compiler for this machine; says where the precision is not what was asked for.
    /// - Throws: `CommandError` when the machine lacks what was asked for.
    func makeCompiler(_ options: CompilerOptions) throws -> Compiler {
        do {
            let compiler = try Compiler(options)
            if let line = compiler.precisionNote { note(line) }
            return compiler
        } catch {
            throw CommandError(.usage, "\(error)")
        }
    }
}

extension CompilerOptions.MatmulLowering: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
extension Recompute: ExpressibleByArgument {}
