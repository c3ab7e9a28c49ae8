import Foundation

/// Runs sides in turn, A B A B, so that a machine whose clock wanders treats them alike.
package struct Interleaving {
    /// A side under the name that the table has for it.
    package struct Side {
        let name: String
        let subject: any Subject

        package init(_ name: String, _ subject: any Subject) { (self.name, self.subject) = (name, subject) }
    }

    let rounds: Int
    /// How often a side does its work for one sample.
    let repeats: Int
    /// How many samples a turn has.
    let samplesPerTurn: Int
    /// Seconds before each turn, in which the threads of the side before stop spinning and go to sleep.
    let pause: Double
    /// Called with what went wrong with a peer.
    let note: (String) -> Void

    package init(
        rounds: Int, repeats: Int, samplesPerTurn: Int = 1, pause: Double = 0.25,
        note: @escaping (String) -> Void = { _ in }
    ) {
        (self.rounds, self.repeats, self.samplesPerTurn) = (rounds, repeats, samplesPerTurn)
        (self.pause, self.note) = (pause, note)
    }

    /// Seconds of every side and round.
    ///
    /// - Returns: what `ours` took, and the peer with the least median; `nil` when none is left. A peer that
    ///   fails is left out.
    package func run(
        _ ours: any Subject, against peers: [Side]
    ) throws -> (ours: Samples, peer: (name: String, samples: Samples)?) {
        var own: [Double] = []
        var peers = peers.map { (side: $0, seconds: [Double]()) }
        for _ in 0..<rounds {
            own += try turn(of: ours)
            for index in peers.indices.reversed() {
                let side = peers[index].side
                do {
                    peers[index].seconds += try turn(of: side.subject)
                } catch {
                    note("\(side.name): \(error)")
                    peers.remove(at: index)
                }
            }
        }
        let best = peers.map { ($0.side.name, Samples($0.seconds)) }.min { $0.1.median < $1.1.median }
        return (Samples(own), best)
    }

    /// Seconds of two sides in every round; neither may fail.
    package func run(_ first: any Subject, _ second: any Subject) throws -> (first: Samples, second: Samples)
    {
        var seconds: (first: [Double], second: [Double]) = ([], [])
        for _ in 0..<rounds {
            seconds.first += try turn(of: first)
            seconds.second += try turn(of: second)
        }
        return (Samples(seconds.first), Samples(seconds.second))
    }

    private func turn(of subject: any Subject) throws -> [Double] {
        Thread.sleep(forTimeInterval: pause)
        return try (0..<samplesPerTurn).map { _ in try subject.seconds(repeating: repeats) }
    }
}
