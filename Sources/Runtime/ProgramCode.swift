import KernelIR
import Target

/// The code of a program: all that an executor is handed to run. Who compiled it, and how, is not its business.
package struct ProgramCode: Sendable {
    /// For each launch of the program in its order, code for each phase; none for launches that never run
    /// (`Program.runs`).
    package let launches: [[PhaseCode]]
    /// Code that fills the panels of parameters.
    package let packings: [PackedParameter: [KernelCode]]

    package init(launches: [[PhaseCode]], packings: [PackedParameter: [KernelCode]] = [:]) {
        self.launches = launches
        self.packings = packings
    }
}

/// What runs a phase.
package enum PhaseCode: Sendable {
    /// Machine code whose tasks all workers share.
    case kernel(KernelCode)
    /// Something that the calling thread does by itself.
    case host(HostFunction)

    /// The machine code, unless the host runs the phase.
    package var kernel: KernelCode? {
        switch self {
        case .kernel(let kernel): kernel
        case .host: nil
        }
    }
}

/// The machine code of a phase, which phases share that differ in their buffers' numbers only.
package struct KernelCode: Sendable {
    package let function: KernelFunction
    /// The launch's buffers in the order in which the function's table must have them.
    package let buffers: [Int]

    package init(function: KernelFunction, buffers: [Int]) {
        self.function = function
        self.buffers = buffers
    }
}

/// Work that is no generated code, such as a library's product. The calling thread does
/// it between the parallel loops of kernels, while the workers rest; it may start threads of its own.
package struct HostFunction: Sendable {
    /// What it works on.
    package struct Call {
        /// The launch's, in the phase's own order.
        package let buffers: UnsafePointer<UnsafeMutableRawPointer?>
        package let symbols: [String: Int]
        /// Threads of the executor's pool: as many as the call should use.
        package let threads: Int
    }

    /// Called once for each run of the phase. What it throws ends the program's run.
    package let run: @Sendable (Call) throws -> Void

    package init(run: @escaping @Sendable (Call) throws -> Void) { self.run = run }
}

extension Program {
    /// Whether a launch is run: constants of fixed shape are filled in once, without their kernels.
    package func runs(_ launch: Launch) -> Bool { !graph[launch.node].isFixedConstant }
}
