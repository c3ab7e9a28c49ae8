/// A safetensors file that does not hold what it should.
public enum SafetensorsError: Error, CustomStringConvertible, Equatable {
    /// The header breaks the format.
    case badHeader(file: String, reason: String)
    /// The file ends before the tensor's data does. Byte counts are of the whole file.
    case truncated(file: String, tensor: String, expectedBytes: Int, actualBytes: Int)
    /// The header's entry for a tensor breaks the format.
    case badTensor(file: String, tensor: String, reason: String)
    /// The file has no tensor of that name.
    case noSuchTensor(file: String, tensor: String, nearest: String?)
    /// The tensor's elements cannot be read as asked.
    case wrongType(file: String, tensor: String, found: SafetensorsDataType, wanted: String)
    /// A tensor of weights holds a number that is NaN or infinite.
    case notFinite(file: String, tensor: String, value: Float)

    public var description: String {
        switch self {
        case .badHeader(let file, let reason):
            "\(file): not a safetensors file: \(reason)"
        case .truncated(let file, let tensor, let expected, let actual):
            "\(file): truncated: tensor '\(tensor)' needs a file of at least \(expected) bytes, "
                + "this one has \(actual); fetch or copy it again"
        case .badTensor(let file, let tensor, let reason):
            "\(file): tensor '\(tensor)' \(reason)"
        case .noSuchTensor(let file, let tensor, let nearest):
            "\(file): no tensor '\(tensor)'" + (nearest.map { "; did you mean '\($0)'?" } ?? "")
        case .wrongType(let file, let tensor, let found, let wanted):
            "\(file): tensor '\(tensor)' has type \(found.rawValue), expected \(wanted)"
        case .notFinite(let file, let tensor, let value):
            "\(file): tensor '\(tensor)' holds \(value), expected numbers; the training that made it diverged, so take "
                + "an earlier checkpoint"
        }
    }
}
