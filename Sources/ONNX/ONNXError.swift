/// What is wrong with an ONNX file, or what this compiler can't do of it, in one line: file, node, operator and the reason.
public struct ONNXError: Error, Hashable, CustomStringConvertible {
    /// What the mistake is about.
    public enum Kind: Hashable, Sendable {
        /// The file is damaged, or breaks a rule of the format.
        case invalid
        /// The file asks for what the compiler does not do.
        case unsupported
        /// A shape, an axis or the like is computed from an input, and is needed when the graph is compiled: give the input a
        /// value in `ONNXOptions.constants`.
        case needsConstant
    }

    /// What the mistake is about.
    public let kind: Kind
    /// The path of the file.
    public internal(set) var file: String
    /// The node, such as `node "Add_3" (Add)`; empty for the file as a whole.
    public internal(set) var place: String
    /// What is wrong, and what was expected.
    public let message: String

    init(_ kind: Kind, _ message: String, at place: String = "", in file: String = "") {
        self.kind = kind
        self.message = message
        self.place = place
        self.file = file
    }

    static func invalid(_ message: String) -> ONNXError { ONNXError(.invalid, message) }
    static func unsupported(_ message: String) -> ONNXError { ONNXError(.unsupported, message) }

    public var description: String {
        [file, place, message].filter { !$0.isEmpty }.joined(separator: ": ")
    }
}
