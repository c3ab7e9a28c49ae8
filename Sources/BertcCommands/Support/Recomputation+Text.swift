import GraphCompiler
import Support

extension Recomputation {
    /// What is computed again, what that saves and what it takes.
    var line: String {
        guard chosen != without else { return "recompute \(chosen.recompute): nothing is computed again" }
        let share = Formatted.number(addedShare * 100, digits: 1)
        return "recompute \(chosen.recompute): arena \(Formatted.bytes(chosen.run.arena)) instead of "
            + "\(Formatted.bytes(without.run.arena)); "
            + "\(Formatted.flops(chosen.flops - without.flops)) done again a step, \(share) % more"
    }

    var json: JSONValue {
        .object([
            ("choice", .string(chosen.recompute.rawValue)), ("arena_bytes", .integer(chosen.run.arena)),
            ("arena_bytes_without", .integer(without.run.arena)), ("flops", .integer(chosen.flops)),
            ("flops_without", .integer(without.flops)),
        ])
    }
}
