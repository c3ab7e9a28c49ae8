import Foundation

/// Makes a directory for results with those above it.
/// - Throws: `CommandError` when that cannot be.
func createDirectory(_ path: String) throws {
    do {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
        throw CommandError(
            .cannotCreate,
            "\(path): cannot be made a directory: \(error.localizedDescription); choose another")
    }
}
