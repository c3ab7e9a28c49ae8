import Foundation

/// Makes a directory, with those above it that are missing.
///
/// - Parameter mode: the permissions of what is made, of which the process's mask takes some away.
/// - Throws: `FileError` with the system's reason.
package func makeDirectory(_ path: String, mode: mode_t = 0o777) throws(FileError) {
    var made = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
        made += part
        // Whatever stands in the way, or cannot be written above, is found at the end.
        mkdir(made, mode)
        made += "/"
    }
    var status = stat()
    guard stat(path, &status) == 0 else {
        // The reason of the attempt to make it, which says more than that it is not there.
        mkdir(path, mode)
        throw FileError.system(.write, path)
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
        throw FileError(.write, path, String(cString: strerror(ENOTDIR)))
    }
}
