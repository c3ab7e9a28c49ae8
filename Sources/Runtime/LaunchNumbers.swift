import GraphIR
import KernelIR

/// Memory for the numbers that launches read as `Program.Buffer.number`.
struct LaunchNumbers {
    private let places: [Int: Int]
    private let memory: AlignedMemory

    init(_ program: Program) throws {
        var places: [Int: Int] = [:]
        for case .number(let number) in program.launches.flatMap(\.buffers) where places[number] == nil {
            places[number] = places.count
        }
        self.places = places
        memory = try AlignedMemory(byteCount: places.count * ElementType.i64.byteCount)
        for (number, place) in places { ElementType.i64.write(Double(number), to: memory.start, at: place) }
    }

    func address(_ number: Int) -> UnsafeMutableRawPointer? {
        places[number].map { memory.start + $0 * ElementType.i64.byteCount }
    }
}
