/// What stopped a run.
public struct ExecutionError: Error, Hashable, CustomStringConvertible {
    /// The input, parameter or node.
    public let place: String
    /// What is wrong with it, and what to do where that is known.
    public let message: String
    /// Whether the run itself made a NaN or an infinity where none may be; else it was refused before it began.
    public let isNonFinite: Bool

    package init(_ message: String, at place: String, isNonFinite: Bool = false) {
        self.message = message
        self.place = place
        self.isNonFinite = isNonFinite
    }

    public var description: String { "\(place): \(message)" }
}
