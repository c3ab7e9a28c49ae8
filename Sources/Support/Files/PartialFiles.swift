import Foundation
import Synchronization

/// The partial files that this process is writing, so that a signal which ends it can remove them.
package enum PartialFiles {
    // A signal handler may neither allocate nor wait for a lock: it looks at a fixed number of atomic pointers.
    private final class Slot: Sendable { let path = Atomic<UInt>(0) }
    private static let slots = (0..<32).map { _ in Slot() }

    /// - Returns: what `forget` is called with; `nil` when there are too many at a time.
    static func add(_ path: String) -> Int? {
        let bits = UInt(bitPattern: strdup(path))
        let slot = slots.indices.first { index in
            slots[index].path.compareExchange(
                expected: 0, desired: bits, ordering: .acquiringAndReleasing
            ).exchanged
        }
        if slot == nil { free(UnsafeMutableRawPointer(bitPattern: bits)) }
        return slot
    }

    static func forget(_ slot: Int) {
        free(
            UnsafeMutableRawPointer(
                bitPattern: slots[slot].path.exchange(0, ordering: .acquiringAndReleasing)))
    }

    /// Makes `removeAll` safe inside a signal handler.
    package static func prepare() { _ = slots.count }

    /// Removes them. For a signal handler that ends the process.
    package static func removeAll() {
        for slot in slots {
            let bits = slot.path.exchange(0, ordering: .acquiringAndReleasing)
            if let path = UnsafePointer<CChar>(bitPattern: bits) { unlink(path) }
        }
    }
}
