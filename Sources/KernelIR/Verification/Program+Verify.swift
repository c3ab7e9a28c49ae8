import GraphIR

extension Program {
    /// Checks every launch, and those that pack parameters; the error names the kernel, the phase, the node and the rule.
    ///
    /// - Parameter lanes: f32 lanes of the target's vectors.
    package func verify(lanes: Int) throws(IRError) {
        let inPlace = graph.inPlaceUpdates()
        let accumulations = graph.accumulations()
        var replaced: [Value: Value] = [:]
        for update in graph.updates
        where inPlace.contains(update.value.node) || accumulations.contains(update.value) {
            replaced[update.value] = update.parameter
        }
        for launch in launches + packings.values {
            var verifier = KernelVerifier(program: self, launch: launch, lanes: lanes, replaced: replaced)
            try verifier.verify()
        }
    }
}
