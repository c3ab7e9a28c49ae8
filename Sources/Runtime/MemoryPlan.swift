import GraphIR
import KernelIR

/// Where every value and workspace lives in the arena during a run, for one assignment of the symbols.
///
/// A value lives from the launch that writes it to the last that reads it, a workspace during its launch. The
/// largest are placed first, each at the lowest offset that is free for its whole life (greedy by size: Pisarchyk
/// and Lee, "Efficient Memory Management for Deep Neural Net Inference", arXiv:2001.03288). Offsets depend on the
/// shapes only.
struct MemoryPlan {
    static let alignment = 128

    /// Offset in the arena by value slot (`ValueSlots`); -1 for what lives elsewhere or is never read.
    private(set) var valueOffsets: [Int]
    private(set) var workspaceOffsets: [Int]
    /// Bytes of each value slot and workspace in the arena, rounded up to the alignment.
    private(set) var sizes: [Int]
    private(set) var workspaceSizes: [Int]
    /// Bytes the arena needs.
    private(set) var byteCount = 0

    /// Something to place.
    private struct Block {
        let size: Int
        let launches: ClosedRange<Int>
        /// A value slot, or -1 - the number of a workspace.
        let owner: Int
        var offset = 0
    }

    init(program: Program, schedule: Schedule, symbols: [String: Int]) {
        valueOffsets = Array(repeating: -1, count: schedule.slots.count)
        workspaceOffsets = Array(repeating: -1, count: program.workspaces.count)
        sizes = Array(repeating: 0, count: schedule.slots.count)
        for slot in 0..<schedule.slots.count where schedule.lives[slot].inArena {
            let type = schedule.slots.types[slot]
            sizes[slot] = Self.round(Extent(type.shape).value(symbols) * type.element.byteCount)
        }
        workspaceSizes = program.workspaces.map { Self.round($0.value(symbols)) }
        place(blocks(schedule))
    }

    private static func round(_ bytes: Int) -> Int {
        Swift.max(alignment, (bytes + alignment - 1) / alignment * alignment)
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
                    Block(size: workspaceSizes[number], launches: index...index, owner: -1 - number))
            }
        }
        for (slot, launch) in starts {
            blocks.append(
                Block(size: sizes[slot], launches: launch...Swift.max(launch, ends[slot]), owner: slot))
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
