import Autodiff
import Collectives
import Runtime

/// How processes share the update: each has the sums of its own parameters' gradients only, and their states. What all need to
/// clip by the global norm, they tell one another; then each gives the others its new parameters.
struct UpdateSharing {
    let shares: ParameterShares
    /// The squared norms of this process's sums.
    private let program: Executor
    /// The parameters whose gradients are clipped, in the order of the update.
    private let clipped: [String]
    private let keepsAverages: Bool

    /// Makes room for averages of all parameters, which evaluations read.
    init(
        squares program: Executor, _ shares: ParameterShares, clipped: [String], keepsAverages: Bool,
        _ store: ParameterStore
    ) throws {
        (self.program, self.shares, self.clipped) = (program, shares, clipped)
        self.keepsAverages = keepsAverages
        for name in shares.owners.keys.sorted() where keepsAverages {
            guard !store.contains(TrainingNames.average(of: name)) else { continue }
            let shape = store.type(of: name)?.extents([:]) ?? []
            // Zero, as all parameters are that nobody has set.
            try store.set(TrainingNames.average(of: name), shape: shape) { _ in }
        }
    }

    /// The squared norms of all clipped gradients, in the order of the update.
    func squares(in group: ProcessGroup) throws -> [Float] {
        let own = try program.run([:])
        let mine = clipped.filter { shares.owners[$0] == group.rank }
        let all = try group.allGather(
            of: Result { try mine.map { try own[$0]?.floats.first ?? .nan } })
        var next = [Int](repeating: 0, count: group.size)
        return clipped.map { name in
            let owner = shares.owners[name] ?? 0
            defer { next[owner] += 1 }
            return all[owner][next[owner]]
        }
    }

    /// Gives all processes the parameters that their owners have updated.
    func distribute(in group: ProcessGroup, _ store: ParameterStore) throws {
        let owned = shares.owners.sorted { $0.key < $1.key }.flatMap { name, owner in
            (keepsAverages ? [name, TrainingNames.average(of: name)] : [name]).map {
                (name: $0, owner: owner)
            }
        }
        try group.distribute(
            owned.map { name, owner in
                let count = (store.type(of: name)?.extents([:]) ?? []).reduce(1, *)
                return (owner, store.floats(of: name), count)
            })
        for (name, owner) in owned where owner != group.rank { store.noteReplaced(name) }
    }
}
