import Target

/// What went wrong between IR text and a callable kernel, with LLVM's own words.
package enum LLVMError: Error, Hashable, CustomStringConvertible {
    /// The machine is below the least level of every architecture.
    case unsupportedHost(name: String)
    /// A stronger instruction set was asked for than the machine has.
    case instructionSet(asked: String, host: String)
    /// IR text that does not parse; the message starts with `kernel:LINE:COLUMN:`.
    case parse(String)
    /// IR that parses but breaks one of LLVM's rules.
    case verify(String)
    /// A pass pipeline that does not exist or that failed.
    case passes(pipeline: String, message: String)
    /// LLVM could not generate code for the target.
    case codegen(String)
    /// An object that does not link: damaged, or it lacks `symbol`, or it calls an unknown function.
    case link(symbol: String, message: String)
    /// The JIT could not be set up.
    case session(String)

    package var description: String {
        switch self {
        case .unsupportedHost(let name):
            "this processor (\(name)) lacks \(Self.least.lacking), which bertc needs: run it on a newer "
                + "\(Self.least.machine) machine"
        case .instructionSet(let asked, let host):
            "instruction set '\(asked)' was asked for, but this machine has only "
                + "'\(host)': use '\(host)' or a weaker one"
        case .parse(let message): "LLVM IR does not parse: \(message)"
        case .verify(let message): "LLVM IR is not valid: \(message)"
        case .passes(let pipeline, let message): "LLVM pass pipeline '\(pipeline)' failed: \(message)"
        case .codegen(let message): "LLVM cannot generate code: \(message)"
        case .link(let symbol, let message): "kernel '\(symbol)' does not link: \(message)"
        case .session(let message): "LLVM's JIT cannot start: \(message)"
        }
    }

    private static var least: (machine: String, lacking: String) { HostCPU.current.architecture.wording }
}
