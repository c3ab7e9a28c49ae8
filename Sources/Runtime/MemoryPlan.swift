import GraphIR
import KernelIR

/// Where every value and workspace lives in the arena during a run, for one assignment of the symbols.
///
/// Values live from the launch that writes them to the last that reads them; memory is given out first-fit in
/// launch order and given back after the last reader. Offsets depend on the shapes only.
struct MemoryPlan {
    static let alignment = 128

    /// Offset in the arena by value slot (`ValueSlots`); -1 for what lives elsewhere or is never read.
    private(set) var valueOffsets: [Int]
    private(set) var workspaceOffsets: [Int]
    /// Bytes by value slot, 0 for what lives elsewhere; and of each workspace. Multiples of the alignment.
    let sizes: [Int]
    let workspaceSizes: [Int]
    /// Bytes the arena needs.
    private(set) var byteCount = 0

    private var free: [Range<Int>] = []

    init(program: Program, schedule: Schedule, symbols: [String: Int]) {
        valueOffsets = Array(repeating: -1, count: schedule.slots.count)
        workspaceOffsets = Array(repeating: -1, count: program.workspaces.count)
        var sizes = Array(repeating: 0, count: schedule.slots.count)
        for slot in 0..<schedule.slots.count where schedule.lives[slot].inArena {
            let type = schedule.slots.types[slot]
            sizes[slot] = Self.round(Extent(type.shape).value(symbols) * type.element.byteCount)
        }
        self.sizes = sizes
        workspaceSizes = program.workspaces.map { Self.round($0.value(symbols)) }
        for slot in schedule.slotsDefinedBefore { valueOffsets[slot] = allocate(sizes[slot]) }
        for (index, launch) in schedule.launches.enumerated() {
            for slot in schedule.definitions[index] { valueOffsets[slot] = allocate(sizes[slot]) }
            var temporary: [Range<Int>] = []
            for case .workspace(let number) in launch.buffers {
                let size = workspaceSizes[number]
                let offset = allocate(size)
                workspaceOffsets[number] = offset
                temporary.append(offset..<(offset + size))
            }
            for range in temporary { release(range) }
            for slot in schedule.releases[index] where valueOffsets[slot] >= 0 {
                release(valueOffsets[slot]..<(valueOffsets[slot] + sizes[slot]))
            }
        }
    }

    private static func round(_ bytes: Int) -> Int {
        Swift.max(alignment, (bytes + alignment - 1) / alignment * alignment)
    }

    private mutating func allocate(_ size: Int) -> Int {
        if let index = free.firstIndex(where: { $0.count >= size }) {
            let range = free[index]
            if range.count == size {
                free.remove(at: index)
            } else {
                free[index] = (range.lowerBound + size)..<range.upperBound
            }
            return range.lowerBound
        }
        // Grow; a free piece at the very end is part of the growth.
        var offset = byteCount
        if let last = free.last, last.upperBound == byteCount {
            offset = last.lowerBound
            free.removeLast()
        }
        byteCount = offset + size
        return offset
    }

    private mutating func release(_ range: Range<Int>) {
        let index = free.firstIndex { $0.lowerBound > range.lowerBound } ?? free.count
        free.insert(range, at: index)
        if index + 1 < free.count, free[index].upperBound == free[index + 1].lowerBound {
            free[index] = free[index].lowerBound..<free[index + 1].upperBound
            free.remove(at: index + 1)
        }
        if index > 0, free[index - 1].upperBound == free[index].lowerBound {
            free[index - 1] = free[index - 1].lowerBound..<free[index].upperBound
            free.remove(at: index)
        }
    }
}
