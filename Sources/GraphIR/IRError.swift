/// What is wrong with a graph, and where.
public struct IRError: Error, Hashable, CustomStringConvertible {
    /// The rule that was broken: a verifier invariant (`V1`…), or `type`, `syntax`, `gradient`.
    public let rule: String
    /// The place: a node such as `%12 = matmul "encoder.layer.0"`, or `file:line:column`.
    public var place: String
    /// What is wrong, with the types involved, as a sentence without its subject.
    public let message: String

    /// An error of a rule of your own; the caller adds the place.
    public init(_ rule: String, _ message: String, at place: String = "") {
        self.rule = rule
        self.place = place
        self.message = message
    }

    public var description: String {
        place.isEmpty ? "\(message) [\(rule)]" : "\(place): \(message) [\(rule)]"
    }

    static func type(_ message: String) -> IRError { IRError("type", message) }
}
