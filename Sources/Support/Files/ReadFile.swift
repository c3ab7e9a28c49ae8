import Foundation

/// The contents of a file, which may be a pipe or `/dev/stdin` as well.
///
/// - Throws: `FileError` with the system's reason.
package func readFile(_ path: String) throws(FileError) -> Data {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError.system(.read, path) }
    defer { close(descriptor) }
    return try contents(of: descriptor, path)
}

/// All of standard input that is left.
///
/// - Throws: `FileError` with the system's reason.
package func readStandardInput() throws(FileError) -> Data {
    try contents(of: STDIN_FILENO, "standard input")
}

private func contents(of descriptor: Int32, _ path: String) throws(FileError) -> Data {
    var status = stat()
    let size = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : 0
    // One byte more, so that the end is found without growing.
    var data = Data(count: max(size + 1, 1 << 16))
    var used = 0
    while true {
        if used == data.count { data.count *= 2 }
        let count = data.withUnsafeMutableBytes { bytes in
            read(descriptor, bytes.baseAddress! + used, bytes.count - used)
        }
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw FileError.system(.read, path) }
        guard count > 0 else { return data.prefix(used) }
        used += count
    }
}
