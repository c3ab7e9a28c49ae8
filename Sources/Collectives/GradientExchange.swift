import Foundation
import Synchronization

/// Adds up gradients over the processes of a group, in the order of their ranks, while the rest of the backward pass runs.
///
/// A step has one or more rounds; in each, the first `contributors` processes have a micro-batch. What is added up stays with the
/// owner of each piece until the last round, which gives all processes the sums.
package final class GradientExchange: @unchecked Sendable {
    /// What a round is.
    package struct Round: Sendable {
        /// Processes that have gradients in this round: those of the lowest ranks.
        package let contributors: Int
        /// Whether sums begin anew.
        package let isFirst: Bool
        /// Whether all processes get the sums.
        package let isLast: Bool

        package init(contributors: Int, isFirst: Bool, isLast: Bool) {
            (self.contributors, self.isFirst, self.isLast) = (contributors, isFirst, isLast)
        }
    }

    package let plan: ExchangePlan
    /// Bytes that this process has sent, over all rounds.
    package var sentByteCount: Int { sent.load(ordering: .relaxed) }
    /// Bytes that rounds take at most beside the gradients.
    package var byteCount: Int {
        (group.sharesMemory && !distributes ? 0 : plan.roomByteCount(of: group.rank))
            + plan.count(of: group.rank) * MemoryLayout<Float>.stride
    }
    /// Told on the group's thread of each bucket whose sums have come, and since when it was under way.
    package var observer: (@Sendable (_ bucket: Int, _ since: ContinuousClock.Instant) -> Void)?
    private let group: ProcessGroup
    /// Whether all processes get the sums in the end; otherwise each has those of its own pieces.
    private let distributes: Bool
    /// The gradients of this process, as the program leaves them; in the end the sums.
    private var gradients: [UnsafeMutablePointer<Float>]
    /// Those of all processes by rank, where this one can read them; empty where they come as messages.
    private var visible: [[UnsafeMutablePointer<Float>]] = []
    /// Sums of this process's pieces, in the order of the buckets, where a step has several rounds.
    private var sums: UnsafeMutableBufferPointer<Float>?
    /// For each bucket where its pieces lie in `sums`.
    private let places: [Int]
    private let launches = Atomic(0)
    private let sent = Atomic(0)
    private var running: Promise<Void>?
    /// Whether `sums` hold the rounds before.
    private var isInStep = false

    /// - Parameters:
    ///   - gradients: where those of this process lie, in the order of the plan's tensors.
    ///   - distributes: whether all processes get the sums in the end.
    package init(
        _ plan: ExchangePlan, _ group: ProcessGroup, gradients: [UnsafeMutablePointer<Float>],
        distributes: Bool = true
    ) {
        self.distributes = distributes
        (self.plan, self.group, self.gradients) = (plan, group, gradients)
        var place = 0
        places = plan.buckets.map { bucket in
            defer { place += bucket.count(of: group.rank) }
            return place
        }
    }

    deinit { sums?.deallocate() }

    /// Lets gradients lie in memory that all processes have in common, between two rounds: nothing is sent then but word of what
    /// is complete, and each process adds up its pieces where they are.
    ///
    /// - Parameter all: where those of each process lie, by rank.
    package func share(_ all: [[UnsafeMutablePointer<Float>]]) {
        precondition(!distributes, "sums stay where they are added up")
        (visible, gradients) = (all, all[group.rank])
    }

    /// Begins a round, whose gradients are not there yet. Where it is not a step's first, but the first one here, sums begin
    /// with what the gradients hold, as a checkpoint in the middle of a step left them.
    package func begin(_ round: Round) {
        if !round.isFirst || !round.isLast, sums == nil {
            sums = .allocate(capacity: max(1, plan.count(of: group.rank)))
        }
        if !round.isFirst, !isInStep { keepSums() }
        isInStep = !round.isLast
        launches.store(0, ordering: .releasing)
        running = group.start { [self] transport in try run(round, transport) }
    }

    /// Says how many launches of the program are done.
    package func note(launches count: Int) { launches.store(count, ordering: .releasing) }

    /// Forgets the rounds of a step that can't be finished.
    package func abandonStep() { isInStep = false }

    /// Waits until the round is over; all gradients are there now, or never will be.
    package func finish() throws {
        launches.store(.max, ordering: .releasing)
        defer { running = nil }
        try running?.value()
    }

    private func keepSums() {
        for (bucket, place) in zip(plan.buckets, places) {
            forEach(bucket.pieces[group.rank]) { piece, offset in
                sums?.baseAddress?.advanced(by: place + offset).update(
                    from: gradients[piece.tensor] + piece.range.lowerBound, count: piece.range.count)
            }
        }
    }

    /// Calls `body` with each piece and where it lies among them.
    private func forEach(
        _ pieces: [ExchangePlan.Piece], _ body: (ExchangePlan.Piece, Int) throws -> Void
    ) rethrows {
        var offset = 0
        for piece in pieces {
            try body(piece, offset)
            offset += piece.range.count
        }
    }

    // MARK: On the group's thread

    /// A bucket under way.
    fileprivate struct Stage {
        let bucket: Int
        var begin = ContinuousClock.now
        var transfers: [Transfer] = []
        /// What each of the others has sent, by rank.
        var rooms: [(rank: Int, start: UnsafeMutablePointer<Float>)] = []
        /// What is sent in blocks.
        var messages: [SparseMessage] = []
        /// What comes in blocks, and where it goes.
        var arrivals: [Arrival] = []
    }

    /// A piece that comes in blocks.
    fileprivate struct Arrival {
        let message: SparseMessage
        let marks: Transfer
        let rank: Int
        let channel: Channel
        let target: UnsafeMutablePointer<Float>
    }

    private func run(_ round: Round, _ transport: any Transport) throws {
        var reducing: Stage?
        var distributing: Stage?
        defer { for (_, start) in reducing?.rooms ?? [] { start.deallocate() } }
        /// Adds up the bucket before, whose parts have come meanwhile, and sends its sums.
        func advance() throws {
            if var stage = distributing {
                try complete(&stage, transport)
                observer?(stage.bucket, stage.begin)
            }
            distributing = nil
            guard var stage = reducing else { return }
            try complete(&stage, transport)
            reduce(stage, round)
            for (_, start) in stage.rooms { start.deallocate() }
            reducing = nil
            if round.isLast, distributes {
                distributing = try distribute(stage.bucket, transport)
                distributing?.begin = stage.begin
            } else {
                observer?(stage.bucket, stage.begin)
            }
        }
        for bucket in plan.buckets.indices {
            var patience = Patience()
            while launches.load(ordering: .acquiring) < plan.buckets[bucket].ready {
                try reducing?.poll(transport)
                try distributing?.poll(transport)
                patience.wait()
            }
            let next = try scatter(bucket, round, transport)
            try advance()
            reducing = next
        }
        try advance()
        try advance()
    }

    /// Sends each process its pieces of a bucket, and makes room for this one's of the others.
    private func scatter(_ bucket: Int, _ round: Round, _ transport: any Transport) throws -> Stage {
        var stage = Stage(bucket: bucket)
        guard visible.isEmpty else {
            try tell(round, transport, &stage)
            return stage
        }
        let own = plan.buckets[bucket].pieces[group.rank]
        let count = plan.buckets[bucket].count(of: group.rank)
        for rank in 0..<round.contributors where rank != group.rank {
            let room = UnsafeMutablePointer<Float>.allocate(capacity: max(1, count))
            stage.rooms.append((rank, room))
            try forEach(own) { piece, offset in
                try receive(piece, into: room + offset, from: rank, on: .reduction, transport, &stage)
            }
        }
        guard group.rank < round.contributors else { return stage }
        for rank in 0..<group.size where rank != group.rank {
            try send(plan.buckets[bucket].pieces[rank], to: [rank], on: .reduction, transport, &stage)
        }
        return stage
    }

    /// Waits until all that a stage sends and receives is there.
    private func complete(_ stage: inout Stage, _ transport: any Transport) throws {
        // Before it waits for what it sends: others wait for the same.
        try transport.wait(stage.arrivals.map(\.marks))
        for arrival in stage.arrivals {
            arrival.message.makeRoom()
            guard !arrival.message.values.isEmpty else { continue }
            let bytes = UnsafeMutableRawBufferPointer(arrival.message.values)
            stage.transfers.append(
                try transport.receive(into: bytes, from: arrival.rank, on: arrival.channel.blocks))
        }
        try transport.wait(stage.transfers)
        for arrival in stage.arrivals { arrival.message.unpack(to: arrival.target) }
        (stage.messages, stage.arrivals) = ([], [])
    }

    /// Sends all word that the bucket is complete here, and receives theirs.
    private func tell(_ round: Round, _ transport: any Transport, _ stage: inout Stage) throws {
        let nothing = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        for rank in 0..<round.contributors where rank != group.rank {
            stage.transfers.append(try transport.receive(into: nothing, from: rank, on: .reduction))
        }
        guard group.rank < round.contributors else { return }
        for rank in 0..<group.size where rank != group.rank {
            let word = UnsafeRawBufferPointer(nothing)
            stage.transfers.append(try transport.send(word, to: rank, on: .reduction))
        }
    }

    /// Adds up this process's pieces of a bucket, rank by rank.
    private func reduce(_ stage: Stage, _ round: Round) {
        forEach(plan.buckets[stage.bucket].pieces[group.rank]) { piece, offset in
            let gradient = gradients[piece.tensor] + piece.range.lowerBound
            let sum = sums?.baseAddress.map { $0 + places[stage.bucket] + offset }
            var terms = stage.rooms.map { UnsafePointer($0.start + offset) }
            if !visible.isEmpty {
                terms = visible.prefix(round.contributors).map {
                    UnsafePointer($0[piece.tensor] + piece.range.lowerBound)
                }
            } else if group.rank < round.contributors {
                terms.insert(UnsafePointer(gradient), at: group.rank)
            }
            if let sum, !round.isFirst { terms.insert(UnsafePointer(sum), at: 0) }
            Self.add(terms, to: sum ?? gradient, count: piece.range.count)
            if let sum, round.isLast { gradient.update(from: sum, count: piece.range.count) }
        }
    }

    /// ((t₀ + t₁) + t₂) + …, which may lie where one of the terms does.
    private static func add(
        _ terms: [UnsafePointer<Float>], to sum: UnsafeMutablePointer<Float>, count: Int
    ) {
        guard terms.count > 1 else {
            if terms[0] != UnsafePointer(sum) { sum.update(from: terms[0], count: count) }
            return
        }
        // In blocks whose partial sums stay in the first-level cache.
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2048) { partial in
            for start in stride(from: 0, to: count, by: partial.count) {
                let block = min(partial.count, count - start)
                let rest = terms.dropFirst(2)
                var target = rest.isEmpty ? sum + start : partial.baseAddress!
                let (first, second) = (terms[0] + start, terms[1] + start)
                for element in 0..<block { target[element] = first[element] + second[element] }
                for (index, term) in rest.enumerated() {
                    let (before, next) = (target, term + start)
                    target = index + 1 == rest.count ? sum + start : before
                    for element in 0..<block { target[element] = before[element] + next[element] }
                }
            }
        }
    }

    /// Sends the sums of this process's pieces to all, and receives theirs.
    private func distribute(_ bucket: Int, _ transport: any Transport) throws -> Stage {
        var stage = Stage(bucket: bucket)
        let pieces = plan.buckets[bucket].pieces
        for rank in 0..<group.size where rank != group.rank {
            for piece in pieces[rank] {
                let target = gradients[piece.tensor] + piece.range.lowerBound
                try receive(piece, into: target, from: rank, on: .distribution, transport, &stage)
            }
        }
        let others = (0..<group.size).filter { $0 != group.rank }
        try send(pieces[group.rank], to: others, on: .distribution, transport, &stage)
        return stage
    }

    private func send(
        _ pieces: [ExchangePlan.Piece], to ranks: [Int], on channel: Channel, _ transport: any Transport,
        _ stage: inout Stage
    ) throws {
        func send(_ bytes: UnsafeRawBufferPointer, on channel: Channel) throws {
            for rank in ranks {
                stage.transfers.append(try transport.send(bytes, to: rank, on: channel))
                sent.add(bytes.count, ordering: .relaxed)
            }
        }
        for piece in pieces {
            let start = gradients[piece.tensor] + piece.range.lowerBound
            guard plan.tensors[piece.tensor].isSparse else {
                try send(UnsafeRawBufferPointer(start: start, count: piece.range.count * 4), on: channel)
                continue
            }
            let message = SparseMessage(of: start, count: piece.range.count)
            stage.messages.append(message)
            try send(UnsafeRawBufferPointer(message.marks), on: channel)
            if !message.values.isEmpty {
                try send(UnsafeRawBufferPointer(message.values), on: channel.blocks)
            }
        }
    }

    private func receive(
        _ piece: ExchangePlan.Piece, into target: UnsafeMutablePointer<Float>, from rank: Int,
        on channel: Channel, _ transport: any Transport, _ stage: inout Stage
    ) throws {
        guard plan.tensors[piece.tensor].isSparse else {
            let bytes = UnsafeMutableRawBufferPointer(start: target, count: piece.range.count * 4)
            stage.transfers.append(try transport.receive(into: bytes, from: rank, on: channel))
            return
        }
        let message = SparseMessage(count: piece.range.count)
        let marks = try transport.receive(into: message.marks, from: rank, on: channel)
        stage.arrivals.append(
            Arrival(message: message, marks: marks, rank: rank, channel: channel, target: target))
    }
}

extension GradientExchange.Stage {
    /// Lets transfers go on; forgets those that are complete.
    fileprivate mutating func poll(_ transport: any Transport) throws {
        while let first = transfers.first, try transport.isComplete(first) { transfers.removeFirst() }
    }
}
