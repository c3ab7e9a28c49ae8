import GraphIR
import KernelIR

/// The tables that launches read as `Program.Buffer.mask`, each built once and again when a longer sequence comes.
struct MaskTables {
    /// A launch that reads a table.
    private struct Use {
        let table: Int
        /// Where the launch has the table, and the lengths of its sequences.
        let buffer: Int
        let kernel: AttentionKernel
    }

    private struct Table {
        let schedule: MaskSchedule
        var length = -1
        var memory: AlignedMemory?
    }

    private var uses: [Int: Use] = [:]
    private var tables: [Table] = []
    /// Tables are made for multiples of this length, so that few batches need a new one.
    private static let lengthUnit = 512

    init(_ launches: [Program.Launch]) {
        var numbers: [MaskSchedule: Int] = [:]
        for (index, launch) in launches.enumerated() {
            for case .attention(let kernel) in launch.kernel.phases {
                guard let buffer = kernel.maskTable, case .mask(let schedule) = launch.buffers[buffer] else {
                    continue
                }
                if numbers.updateValue(numbers[schedule] ?? tables.count, forKey: schedule) == nil {
                    tables.append(Table(schedule: schedule))
                }
                uses[index] = Use(table: numbers[schedule] ?? 0, buffer: buffer, kernel: kernel)
            }
        }
    }

    var byteCount: Int { tables.reduce(0) { $0 + ($1.memory?.byteCount ?? 0) } }

    /// Gives the launch a table that is long enough for its sequences, if it reads one.
    ///
    /// - Parameter buffers: the launch's; those that it reads have been written.
    /// - Throws: `ExecutionError` when a sequence is longer than the mask.
    mutating func bind(
        _ launch: Int, _ buffers: inout [UnsafeMutableRawPointer?], _ symbols: [String: Int],
        at place: @autoclosure () -> String
    ) throws {
        guard let use = uses[launch] else { return }
        let longest = use.kernel.longestSequence(buffers, symbols)
        if tables[use.table].length < longest {
            let size = tables[use.table].schedule.mask.size
            if let size, longest > size {
                throw ExecutionError(
                    "a sequence has \(longest) tokens, but the mask is for at most \(size)", at: place())
            }
            try fill(&tables[use.table], length: size ?? (longest / Self.lengthUnit + 1) * Self.lengthUnit)
        }
        buffers[use.buffer] = tables[use.table].memory?.start
    }

    private func fill(_ table: inout Table, length: Int) throws {
        let words = MaskTable(table.schedule, length: length).words
        let memory = try AlignedMemory(byteCount: words.count * 4)
        words.withUnsafeBytes { source in
            if let base = source.baseAddress { memory.start.copyMemory(from: base, byteCount: source.count) }
        }
        (table.length, table.memory) = (length, memory)
    }
}
