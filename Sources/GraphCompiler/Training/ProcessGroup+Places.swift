import Collectives
import Runtime

extension ProcessGroup {
    /// Gives each process of a machine cores of its own, where the launcher has not done so: call it before a compiler is made,
    /// whose threads stay there.
    public func takePlaces() throws {
        let places = try allGather("\(host)\u{1F}\(ProcessorShare.ofProcess)")
        // Those with the same mask on the same machine are in one another's way.
        let rivals = places.indices.filter { places[$0] == places[rank] }
        guard rivals.count > 1, let index = rivals.firstIndex(of: rank) else { return }
        ProcessorShare.take(index, of: rivals.count)
    }
}
