import GraphIR

extension Program: CustomStringConvertible {
    /// Every launch with its buffers, then each different kernel once.
    public var description: String { text { _ in true } }

    /// The launches whose node is included, with their buffers, then each different kernel of theirs once.
    public func text(where isIncluded: (NodeID) -> Bool) -> String {
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

extension Kernel: CustomStringConvertible {
    public var description: String {
        "kernel \(name) {\n" + phases.map { "\($0)" }.joined() + "}\n"
    }
}

extension Phase: CustomStringConvertible {
    package var description: String {
        switch self {
        case .rows(let kernel): return kernel.description
        case .pack(let pack): return pack.description
        case .block(let block): return block.description
        case .problems(let batch): return "  products \(batch.layout) tile \(batch.tile)\n"
        case .attention(let attention): return attention.description
        case .library(let l):
            return "  sgemm b\(l.target) = b\(l.left) · b\(l.right) [m \(l.m), n \(l.n), k \(l.k)]\n"
        case .scatterAdd(let s):
            return "  scatter_add b\(s.target)[b\(s.ids)] += b\(s.updates) [\(s.count) x \(s.columns)]\n"
        case .coalesce(let c):
            return "  coalesce b\(c.slots), b\(c.positions) = b\(c.ids) [\(c.count) of \(c.rows)]\n"
        case .segments(let s):
            return "  segment_\(s.direction) b\(s.target) = b\(s.source) [\(s.sequences) x \(s.columns)]\n"
        case .copy(let c):
            return
                "  copy b\(c.target) \(c.targetStrides) = b\(c.source) \(c.sourceStrides) over \(c.extents)\n"
        }
    }
}

extension RowKernel: CustomStringConvertible {
    package var description: String {
        "  rows \(rows) x columns \(body.columns) in \(tasks) tasks {\n" + body.lines(indent: "    ")
            + "  }\n"
    }
}

extension RowProgram {
    /// A line an operation and a store.
    func lines(indent: String) -> String {
        var text = ops.lines(indent: indent)
        for store in stores {
            switch store {
            case .element(let access, let id): text += "\(indent)\(access) = e\(id)\n"
            case .columnSum(let buffer, let id): text += "\(indent)b\(buffer)[task, column] += e\(id)\n"
            case .total(let buffer, let id): text += "\(indent)b\(buffer)[task] += e\(id)\n"
            }
        }
        return text
    }
}

extension [ElementOp] {
    func lines(indent: String) -> String {
        enumerated().map { "\(indent)e\($0) = \($1)\n" }.joined()
    }
}

extension PackPanels: CustomStringConvertible {
    package var description: String {
        let shape = "[k \(k), n \(n)] in \(tile.panelElement) panels of \(tile.columns)\(tile.inTerms)"
        switch source {
        case .matrix(let matrix, _): return "  pack b\(panels) = \(matrix) \(shape)\n"
        case .program(let ops, let value):
            return "  pack b\(panels) = e\(value) \(shape) {\n" + ops.lines(indent: "    ") + "  }\n"
        }
    }
}

extension BlockKernel: CustomStringConvertible {
    package var description: String {
        var text = "  block \(rows) x \(columns) in \(tasks) pieces of blocks of \(tile.blockRows) rows, "
        if let chunkColumns {
            text += "chunks of \(chunkColumns) columns\(splitsChunks ? " as tasks" : ""), "
        }
        text += "tile \(tile) {\n"
        for scratch in scratch {
            text +=
                "    scratch b\(scratch.buffer) \(scratch.element)[\(tile.blockRows) x \(rowStride(scratch))]\n"
        }
        func describe(_ role: String, _ program: RowProgram) -> String {
            "    \(role) over \(program.columns) columns {\n" + program.lines(indent: "      ") + "    }\n"
        }
        for program in prologue { text += describe("prologue", program) }
        for product in products {
            let sign = product.accumulates ? "+=" : "="
            let right = "panels b\(product.panels) [k \(product.k)]"
            text += "    b\(product.target) \(sign) \(product.left) · \(right)\n"
        }
        if let epilogue { text += describe("epilogue", epilogue) }
        return text + "  }\n"
    }
}

extension ElementOp: CustomStringConvertible {
    package var description: String {
        switch self {
        case .load(let access): "load \(access)"
        case .constant(let value, let type): "\(type.rawValue) \(value)"
        case .column: "column"
        case .row: "row"
        case .extent(let extent): "extent \(extent)"
        case .unary(let function, let x): "\(function.rawValue) e\(x)"
        case .binary(let function, let a, let b): "\(function.rawValue) e\(a), e\(b)"
        case .compare(let comparison, let a, let b): "\(comparison.rawValue) e\(a), e\(b)"
        case .select(let c, let a, let b): "select e\(c), e\(a), e\(b)"
        case .cast(let x, let type): "cast e\(x) to \(type.rawValue)"
        case .reduce(let reduction, let x): "reduce_\(reduction.rawValue) e\(x)"
        case .keep(let rate, let stream, let rng): "keep rate \(rate), stream b\(stream), rng b\(rng)"
        }
    }
}

extension Access: CustomStringConvertible {
    package var description: String {
        var terms: [String] = []
        if rowStride != .fixed(0) {
            var row = "row"
            if divisor != .one { row = "(\(row) / \(divisor))" }
            if let modulus { row = "(\(row) % \(modulus))" }
            if let indirection { row = "b\(indirection.ids)[\(row)]" }
            terms.append(rowStride == .one ? row : "\(row) * \(rowStride)")
        }
        if hasColumns { terms.append("column") }
        if offset != .fixed(0) { terms.append("\(offset)") }
        switch layout {
        case .rowMajor: break
        case .panels(let width, _): terms.append("in panels of \(width)")
        case .transposedPanels(let width, _): terms.append("transposed, in panels of \(width)")
        }
        return "b\(buffer)[\(terms.isEmpty ? "0" : terms.joined(separator: " + "))] \(element.rawValue)"
    }
}

extension MatrixAccess: CustomStringConvertible {
    package var description: String { "b\(buffer)(\(rowStride), \(columnStride))" }
}

extension ContractionTile: CustomStringConvertible {
    public var description: String {
        "\(rows)x\(columns)x\(depth)\(runsOnTiles ? " on AMX" : "")\(inTerms)"
    }

    fileprivate var inTerms: String { terms > 1 ? " in \(terms) terms" : "" }
}
