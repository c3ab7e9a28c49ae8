import Foundation
import LLVMBridge

/// Measured ceilings on disk, one file for each machine, instruction set and number of threads.
package struct CeilingCache {
    /// Where compiled kernels are kept too; `nil` keeps nothing.
    private let directory: URL?

    package init(directory: URL?) { self.directory = directory }

    /// What a measurement depends on.
    package static func machine(_ cpu: TargetCPU, threads: Int) -> String {
        let lines =
            (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
        let model = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last ?? ""
        return
            "\(model.drop { $0 == " " }) (\(cpu.name)), \(cpu.target.name), \(threads) \(threads == 1 ? "thread" : "threads")"
    }

    private func file(_ machine: String) -> URL? {
        let name = machine.map { $0.isLetter || $0.isNumber ? String($0).lowercased() : "-" }.joined()
        return directory?.appendingPathComponent("roofline-\(name).json")
    }

    /// What was measured before; `nil` also when the file is not readable.
    package func ceilings(of machine: String) -> Ceilings? {
        guard let data = file(machine).flatMap({ try? Data(contentsOf: $0) }) else { return nil }
        let ceilings = try? JSONDecoder().decode(Ceilings.self, from: data)
        return ceilings.flatMap { $0.machine == machine && $0.flopsPerSecond > 0 ? $0 : nil }
    }

    /// Keeps a measurement. What cannot be kept is measured again the next time.
    package func keep(_ ceilings: Ceilings) {
        guard let file = file(ceilings.machine) else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        try? encoder.encode(ceilings).write(to: file, options: .atomic)
    }
}
