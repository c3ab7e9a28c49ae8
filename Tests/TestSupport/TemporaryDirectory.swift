import Foundation

/// A directory of a test's own, removed with the last reference.
package final class TemporaryDirectory: Sendable {
    package let url: URL
    package var path: String { url.path }

    package init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("bertc-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    package func url(_ name: String) -> URL { url.appendingPathComponent(name) }
    package func path(_ name: String) -> String { url(name).path }

    /// Writes a file, whose folders are made, and returns its path.
    @discardableResult
    package func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        let file = url(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
        return file.path
    }

    /// Writes a text file, whose folders are made, and returns its path.
    @discardableResult
    package func write(_ name: String, _ text: String) throws -> String { try write(name, text.utf8) }

    package func bytes(_ name: String) throws -> [UInt8] { [UInt8](try data(name)) }
    package func data(_ name: String) throws -> Data { try Data(contentsOf: url(name)) }
    package func read(_ name: String) throws -> String { try String(contentsOf: url(name), encoding: .utf8) }
    package func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    /// Every file and its contents: what a failed command must leave as it was.
    package func contents() throws -> [String: [UInt8]] {
        var contents: [String: [UInt8]] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: path(name), isDirectory: &isDirectory)
            contents[name] = isDirectory.boolValue ? [] : [UInt8](try data(name))
        }
        return contents
    }
}
