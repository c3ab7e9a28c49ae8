/// What a program's parameters are made of by another program, again whenever that is changed: weights in i8, say.
package final class Preparation {
    private let executor: Executor
    private let store: ParameterStore
    private let sources: [String]
    private let made: [String]
    /// Those of `sources` when the program ran last.
    private var versions: [Int] = []

    /// - Parameters:
    ///   - executor: what makes the parameters; it has no inputs.
    ///   - made: the parameters that it sets.
    ///   - sources: those that it reads.
    package init(
        _ executor: Executor, making made: [String], from sources: [String], in store: ParameterStore
    ) {
        (self.executor, self.made, self.sources, self.store) = (executor, made, sources, store)
    }

    /// Makes the parameters anew where what they are made from has changed.
    package func refresh() throws {
        let current = sources.map(store.version)
        guard current != versions else { return }
        _ = try executor.run([:])
        made.forEach(store.noteMade)
        versions = current
    }
}
