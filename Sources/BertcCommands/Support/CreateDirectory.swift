import Support

/// Makes a directory for results with those above it.
/// - Throws: `CommandError` when that cannot be.
func createDirectory(_ path: String) throws(CommandError) {
    do throws(FileError) {
        try makeDirectory(path)
    } catch {
        throw CommandError(
            .cannotCreate, "\(path): cannot be made a directory: \(error.reason); choose another")
    }
}
