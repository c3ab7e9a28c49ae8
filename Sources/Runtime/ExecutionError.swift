/// What stopped a run.
public struct ExecutionError: Error, Hashable, CustomStringConvertible {
    /// The input, parameter or node.
    public let place: String
    public let message: String

    public init(_ message: String, at place: String) {
        self.message = message
        self.place = place
    }

    public var description: String { "\(place): \(message)" }
}
