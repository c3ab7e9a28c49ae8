import KernelIR

/// The checks that launches ask for (`LaunchCheck`), and the mask tables that they read, each built once and again when
/// a longer sequence comes.
struct LaunchChecks {
    private struct Entry {
        let check: LaunchCheck
        /// The number of the table that the launch reads.
        let table: Int?
    }

    private struct Table {
        let schedule: MaskSchedule
        var length = -1
        var memory: AlignedMemory?
    }

    /// One for each launch.
    private let entries: [Entry?]
    private var tables: [Table]
    /// Tables are made for multiples of this length, so that few batches need a new one.
    private static let lengthUnit = 512

    init(_ launches: [Program.Launch]) {
        var tables: [Table] = []
        var numbers: [MaskSchedule: Int] = [:]
        entries = launches.map { launch in
            guard let check = launch.check else { return nil }
            guard let buffer = check.maskTable, case .mask(let schedule) = launch.buffers[buffer] else {
                return Entry(check: check, table: nil)
            }
            let number = numbers[schedule] ?? tables.count
            if numbers.updateValue(number, forKey: schedule) == nil {
                tables.append(Table(schedule: schedule))
            }
            return Entry(check: check, table: number)
        }
        self.tables = tables
    }

    var byteCount: Int { tables.reduce(0) { $0 + ($1.memory?.byteCount ?? 0) } }

    /// Lets a launch run, with a table that is long enough for its sequences if it reads one. What the launch reads
    /// has been written.
    ///
    /// - Throws: `ExecutionError` when a sequence is longer than the launch can take.
    mutating func pass(_ launch: Int, of binding: ProgramBinding, _ symbols: [String: Int]) throws {
        guard let entry = entries[launch] else { return }
        let check = entry.check
        let longest = check.longestSequence(binding.buffers[launch], symbols)
        if let number = entry.table, let buffer = check.maskTable {
            if tables[number].length < longest {
                let size = tables[number].schedule.mask.size
                if let size, longest > size {
                    throw tooLong(longest, "mask", size, at: binding.place(of: launch))
                }
                try fill(
                    &tables[number], length: size ?? (longest / Self.lengthUnit + 1) * Self.lengthUnit)
            }
            binding.buffers[launch][buffer] = tables[number].memory?.start
        }
        for (what, limit) in [
            ("bias", check.bias?.longest(symbols)),
            ("table of relative positions", check.relative?.longest),
        ] {
            guard let limit, longest > limit else { continue }
            throw tooLong(longest, what, limit, at: binding.place(of: launch))
        }
    }

    private func tooLong(_ length: Int, _ what: String, _ limit: Int, at place: String) -> ExecutionError {
        ExecutionError("a sequence has \(length) tokens, but the \(what) is for at most \(limit)", at: place)
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
