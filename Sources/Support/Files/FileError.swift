import Foundation

/// A file that is not there, or that the system does not let us read or write.
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
    /// The system's reason, such as "No space left on device"; else the same as `message`.
    public let reason: String
    /// What is wrong, what was expected and the fix, in one line.
    public let message: String

    /// What the system said about a file.
    package init(_ operation: Operation, _ file: String, _ reason: String) {
        self.operation = operation
        self.file = file
        self.reason = reason
        switch operation {
        case .read: message = "cannot be read: \(reason)"
        case .write: message = "cannot be written: \(reason)"
        }
    }

    /// A file or directory that cannot be read for a reason of ours, with the fix.
    public init(unreadable file: String, message: String) {
        operation = .read
        self.file = file
        reason = message
        self.message = message
    }

    /// With the reason of the calling thread's last system error.
    package static func system(_ operation: Operation, _ file: String) -> FileError {
        FileError(operation, file, systemReason())
    }

    /// A file that is not there.
    /// - Parameter expected: what it should hold.
    package static func missing(_ file: String, expected: String) -> FileError {
        FileError(unreadable: file, message: "no such file; expected \(expected)")
    }

    /// Whether the process, not the file, is the reason.
    package var isOutOfMemory: Bool { reason == String(cString: strerror(ENOMEM)) }

    public var description: String { "\(file): \(message)" }
}

/// The text of the calling thread's last system error.
package func systemReason() -> String { String(cString: strerror(errno)) }
