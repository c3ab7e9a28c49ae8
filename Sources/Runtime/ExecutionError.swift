/// What stopped a run.
public struct ExecutionError: Error, Hashable, CustomStringConvertible {
    /// The input, parameter or node.
    public let place: String
    /// What is wrong with it, and what to do where that is known.
    public let message: String

    package init(_ message: String, at place: String) {
        self.message = message
        self.place = place
    }

    public var description: String { "\(place): \(message)" }
}
