import Foundation

extension URL {
    /// The place of a file, its path as it is written. `URL(fileURLWithPath:)` takes `..` back by name in relative paths,
    /// which leads elsewhere than the file system goes where a name is a symbolic link.
    package init(file path: String, isDirectory: Bool = false) {
        let relative = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
        let whole =
            path.hasPrefix("/") || path.isEmpty
            ? path : FileManager.default.currentDirectoryPath + "/" + relative
        self = isDirectory ? URL(fileURLWithPath: whole, isDirectory: true) : URL(fileURLWithPath: whole)
    }
}
