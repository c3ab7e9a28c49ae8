import GraphIR
import KernelIR

/// A phase as LLVM IR.
package struct EmittedPhase: Hashable, Sendable {
    /// The function's name, the same for every phase: each goes into an object of its own.
    package static let symbol = "kernel"

    /// What is compiled: equal for phases that differ in the numbers of their buffers only.
    package struct Code: Hashable, Sendable {
        /// The kernel's definition.
        let kernel: String
        /// Declarations of the functions of `helpers` that it calls.
        let declarations: String
        /// The functions that the kernel calls, which are modules of their own.
        package let helpers: [KernelHelper]

        /// The kernel's module.
        package var ir: String { declarations + kernel }
    }

    package let code: Code
    /// The launch's buffers in the order in which the function's table must have them.
    package let buffers: [Int]
}

/// Turns kernels into LLVM IR text for vectors of a given width.
package struct KernelEmitter: Sendable {
    package let machine: Machine

    package init(machine: Machine) { self.machine = machine }

    /// The phase's code; `nil` for what the host does.
    ///
    /// Every kernel function has the signature
    /// `void kernel(ptr buffers, ptr dims, i64 task0, i64 task1, ptr scratch)` and does tasks `task0 ..< task1`.
    package func emit(_ phase: Phase, symbols: [String]) -> EmittedPhase? {
        var w = FunctionWriter(symbols: symbols, target: machine.target)
        var helpers: [KernelHelper] = []
        switch phase {
        case .rows(let kernel): RowTemplate(kernel: kernel, lanes: machine.target.lanes).write(&w)
        case .pack(let pack): pack.write(&w)
        case .block(let block):
            let template = BlockTemplate(block)
            template.write(&w)
            helpers = template.helpers
        case .problems(let batch):
            let template = ProblemTemplate(batch)
            template.write(&w)
            helpers = template.helpers
        case .attention(let attention):
            let template = AttentionTemplate(attention)
            template.write(&w)
            helpers = template.helpers
        case .scatterAdd(let scatter): scatter.write(&w, lanes: machine.target.lanes)
        case .coalesce(let coalesce): coalesce.write(&w)
        case .segments(let segments): segments.write(&w, lanes: machine.target.lanes)
        case .copy(let copy): copy.write(&w, lanes: machine.target.lanes)
        case .host: return nil
        }
        let text = w.text(EmittedPhase.symbol, KernelParameters.all)
        let code = EmittedPhase.Code(kernel: text, declarations: w.declarations, helpers: helpers)
        return EmittedPhase(code: code, buffers: w.buffers)
    }

    /// The module of a kernel's helper.
    package func ir(_ helper: KernelHelper) -> String { helper.text(machine.target) }

    /// The kernel and all that it calls as one module, for people and tests.
    package func ir(_ code: EmittedPhase.Code) -> String {
        (code.helpers.map(ir) + [code.kernel]).joined(separator: "\n")
    }
}
