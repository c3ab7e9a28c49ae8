/// One kernel: phases that run one after the other, each split into tasks that may run at the same time.
///
/// A kernel names its buffers by position; the launch binds them. Two nodes with equal kernels share their code.
public struct Kernel: Hashable, Sendable {
    /// A readable name, e.g. `matmul` or `layer_norm`; not unique.
    public let name: String
    package let phases: [Phase]

    package init(_ name: String, _ phases: [Phase]) {
        self.name = name
        self.phases = phases
    }
}

extension Kernel: CustomStringConvertible {
    public var description: String {
        "kernel \(name) {\n" + phases.map { "\($0)" }.joined() + "}\n"
    }
}

extension Kernel {
    /// The template of the phase that does most of the work; the last of several that do none.
    package func template(_ symbols: [String: Int]) -> String {
        let phase = phases.max { left, right in
            (left.contractionFlopCount(symbols), left.flopCount(symbols))
                < (right.contractionFlopCount(symbols), right.flopCount(symbols))
        }
        return phase?.templateName ?? "rows"
    }
}
