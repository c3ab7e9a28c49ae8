import Foundation

/// What this process holds, as the system counts it: pages of its own and of mapped files, libraries included.
package enum ProcessMemory {
    /// Resident memory now, in bytes; 0 where the system does not say.
    package static var residentByteCount: Int { byteCount("VmRSS") }

    /// The most that was ever resident.
    package static var peakByteCount: Int { byteCount("VmHWM") }

    /// Gives memory that was freed, but that the C library kept for later, back to the system.
    package static func releaseUnused() {
        typealias Trim = @convention(c) (Int) -> Int32
        // Part of glibc, but not of Swift's Glibc module.
        guard let address = dlsym(UnsafeMutableRawPointer(bitPattern: 0), "malloc_trim") else { return }
        _ = unsafeBitCast(address, to: Trim.self)(0)
    }

    /// A line of /proc/self/status, which counts in units of 1,024 bytes.
    private static func byteCount(_ name: String) -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(name):") }
        let count = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
        return (count ?? 0) * 1024
    }
}
