/// Why a graph can't be run on the given inputs, and where.
public struct InterpreterError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A node such as `%12 = gather "embeddings"`, an input such as `input "ids"`, or empty.
    public let place: String
    public let message: String

    public init(_ message: String, at place: String = "") {
        self.place = place
        self.message = message
    }

    public var description: String { place.isEmpty ? message : "\(place): \(message)" }
}
