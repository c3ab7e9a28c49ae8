import GraphIR

extension Phase {
    /// The code template that generates the phase.
    package var template: String {
        switch self {
        case .rows: "rows"
        case .pack: "pack"
        case .block: "block"
        case .problems: "problems"
        case .attention: "attention"
        case .library: "openblas"
        case .scatterAdd: "scatter-add"
        case .coalesce: "coalesce"
        case .segments: "segments"
        case .copy: "copy"
        }
    }

    /// What the phase's matrix products multiply; `nil` when it has none.
    package var contractionElement: ElementType? {
        switch self {
        case .block(let kernel): kernel.tile.element
        case .problems(let batch): batch.tile.element
        case .attention(let attention): attention.element
        case .library: .f32
        case .rows, .pack, .scatterAdd, .coalesce, .segments, .copy: nil
        }
    }

    /// The part of `flopCount` that matrix products do.
    package func contractionFlopCount(_ symbols: [String: Int]) -> Int {
        switch self {
        case .block(let kernel):
            let elements = kernel.rows.value(symbols) * kernel.columns.value(symbols)
            return kernel.products.reduce(0) { $0 + 2 * elements * $1.k.value(symbols) }
        case .problems, .attention, .library: return flopCount(symbols)
        case .rows, .pack, .scatterAdd, .coalesce, .segments, .copy: return 0
        }
    }
}

extension Kernel {
    /// The template of the phase that does most of the work; the last of several that do none.
    package func template(_ symbols: [String: Int]) -> String {
        let phase = phases.max { left, right in
            (left.contractionFlopCount(symbols), left.flopCount(symbols))
                < (right.contractionFlopCount(symbols), right.flopCount(symbols))
        }
        return phase?.template ?? "rows"
    }
}
