import GraphIR

extension Pass {
    /// Puts the decomposition of each custom op in its place, under its label; results are those of the
    /// decomposition, which need not be bit for bit those of the op's evaluation.
    ///
    /// - Parameter kept: definitions whose ops stay, because they have a kernel of their own.
    package static func decomposeCustom(keeping kept: Set<CustomOpDefinition> = []) -> Pass {
        Pass("decompose-custom") { (graph: inout Graph) throws(IRError) in
            try graph.decompose { !kept.contains($0) }
        }
    }
}
