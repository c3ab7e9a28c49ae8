import GraphIR

extension Program: CustomStringConvertible {
    /// Every launch with its buffers, then each different kernel once.
    public var description: String { text { _ in true } }

    /// The launches whose node is included, with their buffers, then each different kernel of theirs once.
    package func text(where isIncluded: (NodeID) -> Bool) -> String {
        var numbers: [Kernel: Int] = [:]
        var kernels: [Kernel] = []
        var used: Set<Int> = []
        var text = "program \"\(graph.name)\" {\n"
        for launch in launches {
            let number = numbers[launch.kernel] ?? kernels.count
            if numbers.updateValue(number, forKey: launch.kernel) == nil { kernels.append(launch.kernel) }
            guard isIncluded(launch.node) else { continue }
            used.insert(number)
            let buffers = launch.buffers.map(name).joined(separator: ", ")
            let label = graph[launch.node].label
            text +=
                "  launch #\(number) \(launch.kernel.name)(\(buffers))\(label.isEmpty ? "" : " @ \"\(label)\"")\n"
            for case .workspace(let index) in launch.buffers {
                text += "    workspace w\(index): \(workspaces[index]) bytes\n"
            }
        }
        text += "}\n"
        for (number, kernel) in kernels.enumerated() where used.contains(number) {
            text += "\n#\(number) \(kernel)"
        }
        return text
    }

    private func name(_ buffer: Buffer) -> String {
        switch buffer {
        case .value(let value): graph.name(value)
        case .workspace(let index): "w\(index)"
        case .number(let number): "\(number)"
        case .mask(let schedule): "\(schedule)"
        case .packed(let packed): "\(graph.name(packed.parameter)).panels\(packed.transposed ? "ᵀ" : "")"
        case .unused: "_"
        }
    }
}
