import Foundation

/// The processors that a thread may run on (Linux's affinity mask, 1024 processors at most).
package struct ProcessorSet: Equatable, Sendable {
    /// One bit a processor. A fixed size, so that reading and setting a mask allocates nothing.
    private var bits = cpu_set_t()

    private static let bitCount = MemoryLayout<cpu_set_t>.size * 8

    /// Only these processors.
    package init(_ processors: [Int]) {
        withUnsafeMutableBytes(of: &bits) { bytes in
            for processor in processors where (0..<Self.bitCount).contains(processor) {
                bytes[processor / 8] |= 1 << (processor % 8)
            }
        }
    }

    /// What the calling thread may run on; `nil` when the system does not say.
    package static var ofCallingThread: ProcessorSet? {
        var set = ProcessorSet([])
        guard let call = affinityCall("sched_getaffinity") else { return nil }
        let code = withUnsafeMutableBytes(of: &set.bits) { call(0, $0.count, $0.baseAddress) }
        return code == 0 ? set : nil
    }

    /// Lets the calling thread run on these processors only; false when the system refuses.
    @discardableResult
    package func applyToCallingThread() -> Bool {
        guard let call = affinityCall("sched_setaffinity") else { return false }
        var bits = bits
        return withUnsafeMutableBytes(of: &bits) { call(0, $0.count, $0.baseAddress) } == 0
    }

    package func contains(_ processor: Int) -> Bool {
        withUnsafeBytes(of: bits) { $0[processor / 8] & (1 << (processor % 8)) != 0 }
    }

    /// In ascending order.
    package var processors: [Int] { (0..<Self.bitCount).filter(contains) }

    package static func == (left: ProcessorSet, right: ProcessorSet) -> Bool {
        withUnsafeBytes(of: left.bits) { a in withUnsafeBytes(of: right.bits) { a.elementsEqual($0) } }
    }
}

/// `int f(pid_t thread, size_t size, cpu_set_t *mask)`; thread 0 is the calling one.
private typealias AffinityCall = @convention(c) (Int32, Int, UnsafeMutableRawPointer?) -> Int32

/// The C library's function of that name, which Swift's Glibc module leaves out.
private func affinityCall(_ name: String) -> AffinityCall? {
    dlsym(UnsafeMutableRawPointer(bitPattern: 0), name).map { unsafeBitCast($0, to: AffinityCall.self) }
}
