/// Why a graph can't be run on the given inputs, and where.
package struct InterpreterError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A node such as `%12 = gather "embeddings"`, an input such as `input "ids"`, or empty.
    package let place: String
    package let message: String

    package init(_ message: String, at place: String = "") {
        self.place = place
        self.message = message
    }

    package var description: String { place.isEmpty ? message : "\(place): \(message)" }
}
