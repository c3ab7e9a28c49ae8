import GraphIR
import KernelIR

/// Where every value and workspace lives in the arena during a run. What has other symbols but no greater sizes has
/// room in the same places.
///
/// A value lives from the launch that writes it to the last that reads it, a workspace during its launch. The
/// largest are placed first, each at the lowest offset that is free for its whole life (greedy by size: Pisarchyk
/// and Lee, "Efficient Memory Management for Deep Neural Net Inference", arXiv:2001.03288). Offsets depend on the
/// sizes only.
struct MemoryPlan {
    static let alignment = 128

    /// Offset in the arena by value slot (`ValueSlots`); -1 for what lives elsewhere or is never read.
    private(set) var valueOffsets: [Int]
    private(set) var workspaceOffsets: [Int]
    let sizes: Sizes
    /// Bytes the arena needs.
    private(set) var byteCount = 0

    /// Bytes of what has a place in the arena, rounded up to the alignment.
    struct Sizes {
        /// By value slot; 0 for what lives elsewhere.
        private(set) var values: [Int]
        private(set) var workspaces: [Int]

        init(_ program: Program, _ schedule: Schedule, _ symbols: [String: Int]) {
            values = (0..<schedule.slots.count).map { slot in
                guard schedule.lives[slot].inArena else { return 0 }
                return Self.round(schedule.slots.byteCounts[slot].value(symbols))
            }
            workspaces = program.workspaces.map { Self.round($0.value(symbols)) }
        }

        private static func round(_ bytes: Int) -> Int {
            Swift.max(alignment, (bytes + alignment - 1) / alignment * alignment)
        }

        /// Whether what has these sizes fits where `other` does.
        func fit(in other: Sizes) -> Bool {
            zip(values, other.values).allSatisfy(<=) && zip(workspaces, other.workspaces).allSatisfy(<=)
        }

        /// Makes each size the greater of its own and the other's.
        mutating func formMaximum(_ other: Sizes) {
            for slot in values.indices { values[slot] = Swift.max(values[slot], other.values[slot]) }
            for number in workspaces.indices {
                workspaces[number] = Swift.max(workspaces[number], other.workspaces[number])
            }
        }
    }

    /// Something to place.
    private struct Block {
        let size: Int
        let launches: ClosedRange<Int>
        /// A value slot, or -1 - the number of a workspace.
        let owner: Int
        var offset = 0
    }

    init(_ schedule: Schedule, _ sizes: Sizes) {
        self.sizes = sizes
        valueOffsets = Array(repeating: -1, count: sizes.values.count)
        workspaceOffsets = Array(repeating: -1, count: sizes.workspaces.count)
        place(blocks(schedule))
    }

    private func blocks(_ schedule: Schedule) -> [Block] {
        let end = Swift.max(0, schedule.launches.count - 1)
        var starts: [(slot: Int, launch: Int)] = schedule.slotsDefinedBefore.map { ($0, 0) }
        var ends = Array(repeating: end, count: schedule.slots.count)
        var blocks: [Block] = []
        for (index, launch) in schedule.launches.enumerated() {
            for slot in schedule.definitions[index] { starts.append((slot, index)) }
            for slot in schedule.releases[index] { ends[slot] = index }
            for case .workspace(let number) in launch.buffers {
                blocks.append(
                    Block(size: sizes.workspaces[number], launches: index...index, owner: -1 - number))
            }
        }
        for (slot, launch) in starts {
            blocks.append(
                Block(size: sizes.values[slot], launches: launch...Swift.max(launch, ends[slot]), owner: slot)
            )
        }
        return blocks
    }

    private mutating func place(_ blocks: [Block]) {
        // Equal sizes in the order of their lives, so that the result is the same every time.
        let sorted = blocks.sorted {
            ($1.size, $0.launches.lowerBound, $0.owner) < ($0.size, $1.launches.lowerBound, $1.owner)
        }
        // Placed blocks by offset.
        var placed: [Block] = []
        for var block in sorted {
            var offset = 0
            for other in placed where other.launches.overlaps(block.launches) {
                if other.offset >= offset + block.size { break }
                offset = Swift.max(offset, other.offset + other.size)
            }
            block.offset = offset
            let place = placed.partitioningIndex { $0.offset >= offset }
            placed.insert(block, at: place)
            byteCount = Swift.max(byteCount, offset + block.size)
            if block.owner >= 0 {
                valueOffsets[block.owner] = offset
            } else {
                workspaceOffsets[-1 - block.owner] = offset
            }
        }
    }
}

extension Array {
    /// The first index from which on `belongsBehind` holds; it must hold for a suffix.
    fileprivate func partitioningIndex(where belongsBehind: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if belongsBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
