/// Canonical composition (UAX #15, section 1.3) of scalars that come in canonical order.
struct Composer {
    /// The base that following scalars may compose with.
    private var base: ChangedScalar?
    /// What stands after the base and did not compose.
    private var rest: [ChangedScalar] = []

    /// Takes the next scalar.
    ///
    /// - Returns: scalars that nothing more can change.
    mutating func add(_ next: ChangedScalar) -> [ChangedScalar] {
        guard var base else {
            guard next.combiningClass == 0 else { return [next] }
            self.base = next
            return []
        }
        let isBlocked = rest.last.map { $0.combiningClass >= next.combiningClass } ?? false
        if !isBlocked, let scalar = Decompositions.composition(of: base.scalar, next.scalar) {
            base.scalar = scalar
            base.change += next.change - 1
            self.base = base
            return []
        }
        guard next.combiningClass == 0 else {
            rest.append(next)
            return []
        }
        let ready = removeAll()
        self.base = next
        return ready
    }

    /// Everything that was not given back yet.
    mutating func removeAll() -> [ChangedScalar] {
        defer {
            base = nil
            rest.removeAll(keepingCapacity: true)
        }
        return (base.map { [$0] } ?? []) + rest
    }
}
