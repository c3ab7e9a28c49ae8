import Foundation

/// A file that the system does not let us read or write.
public struct FileError: Error, Hashable, CustomStringConvertible {
    /// What was tried.
    public enum Operation: Hashable, Sendable {
        /// Opening and reading, or writing and renaming.
        case read, write
    }

    /// Whether the file was read or written.
    public let operation: Operation
    /// The path as the caller gave it.
    public let file: String
    /// The system's reason, such as "No space left on device".
    public let reason: String

    package init(_ operation: Operation, _ file: String, _ reason: String) {
        self.operation = operation
        self.file = file
        self.reason = reason
    }

    /// With the reason of the calling thread's last system error.
    package static func system(_ operation: Operation, _ file: String) -> FileError {
        FileError(operation, file, systemReason())
    }

    /// Whether the process, not the file, is the reason.
    package var isOutOfMemory: Bool { reason == String(cString: strerror(ENOMEM)) }

    public var description: String {
        switch operation {
        case .read: "\(file): cannot be read: \(reason)"
        case .write: "\(file): cannot be written: \(reason)"
        }
    }
}

/// The text of the calling thread's last system error.
package func systemReason() -> String { String(cString: strerror(errno)) }
