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
        guard let getAffinity else { return nil }
        let code = withUnsafeMutableBytes(of: &set.bits) {
            getAffinity(pthread_self(), $0.count, $0.baseAddress)
        }
        return code == 0 ? set : nil
    }

    /// Lets the calling thread run on these processors only; false when the system refuses.
    @discardableResult
    package func applyToCallingThread() -> Bool { apply(to: pthread_self()) }

    /// The same for any thread of the process that has not ended.
    @discardableResult
    func apply(to thread: pthread_t) -> Bool {
        guard let setAffinity else { return false }
        var bits = bits
        return withUnsafeMutableBytes(of: &bits) { setAffinity(thread, $0.count, $0.baseAddress) } == 0
    }

    package func contains(_ processor: Int) -> Bool {
        withUnsafeBytes(of: bits) { $0[processor / 8] & (1 << (processor % 8)) != 0 }
    }

    /// Whether all of these are in `other`.
    func isSubset(of other: ProcessorSet) -> Bool {
        withUnsafeBytes(of: bits) { mine in
            withUnsafeBytes(of: other.bits) { theirs in zip(mine, theirs).allSatisfy { $0 & ~$1 == 0 } }
        }
    }

    /// In ascending order.
    package var processors: [Int] { (0..<Self.bitCount).filter(contains) }

    package static func == (left: ProcessorSet, right: ProcessorSet) -> Bool {
        withUnsafeBytes(of: left.bits) { a in withUnsafeBytes(of: right.bits) { a.elementsEqual($0) } }
    }
}

/// `int f(pthread_t thread, size_t size, cpu_set_t *mask)`.
private typealias AffinityCall = @convention(c) (pthread_t, Int, UnsafeMutableRawPointer?) -> Int32

private let getAffinity = affinityCall("pthread_getaffinity_np")
private let setAffinity = affinityCall("pthread_setaffinity_np")

/// The C library's function of that name, which Swift's Glibc module leaves out.
private func affinityCall(_ name: String) -> AffinityCall? {
    dlsym(UnsafeMutableRawPointer(bitPattern: 0), name).map { unsafeBitCast($0, to: AffinityCall.self) }
}
