import GraphIR
import KernelIR

/// A phase as LLVM IR.
package struct EmittedPhase: Hashable, Sendable {
    /// The function's name, the same for every phase: each goes into an object of its own.
    package static let symbol = "kernel"
    /// The module's text.
    package let ir: String
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
        var helpers = ""
        switch phase {
        case .rows(let kernel): RowTemplate(kernel: kernel, lanes: machine.target.lanes).write(&w)
        case .pack(let pack): pack.write(&w)
        case .block(let block):
            let template = BlockTemplate(block)
            template.write(&w)
            helpers = template.helpers(machine.target)
        case .problems(let batch):
            let template = ProblemTemplate(batch)
            template.write(&w)
            helpers = template.helpers(machine.target)
        case .attention(let attention):
            let template = AttentionTemplate(attention)
            template.write(&w)
            helpers = template.helpers(machine.target)
        case .scatterAdd(let scatter): scatter.write(&w, lanes: machine.target.lanes)
        case .coalesce(let coalesce): coalesce.write(&w)
        case .segments(let segments): segments.write(&w, lanes: machine.target.lanes)
        case .copy(let copy): copy.write(&w, lanes: machine.target.lanes)
        case .host: return nil
        }
        let text = w.text(
            EmittedPhase.symbol, KernelParameters.all, isInternal: false, attributes: attributes)
        return EmittedPhase(ir: attributed(helpers) + "\n" + text)
    }

    private var attributes: String { "\"prefer-vector-width\"=\"\(machine.target.lanes * 32)\"" }

    /// The helper functions with the same attributes as the kernel.
    private func attributed(_ helpers: String) -> String {
        // Bytes, not characters: this is a good part of a warm start.
        var result = ""
        for line in helpers.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if line.starts(with: "define ".utf8) {
                result += "\(Substring(line.dropLast()))\(attributes) {\n"
            } else {
                result += Substring(line)
                result += "\n"
            }
        }
        return result
    }
}
