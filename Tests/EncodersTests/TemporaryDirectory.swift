import Foundation

/// A directory of a test's own, removed with the last reference.
final class TemporaryDirectory {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("bertc-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    /// Writes a file into the directory and returns its place.
    @discardableResult
    func write(_ data: Data, _ name: String) throws -> URL {
        let file = url.appendingPathComponent(name)
        try data.write(to: file)
        return file
    }

    /// Writes a text file into the directory and returns its place.
    @discardableResult
    func write(_ text: String, _ name: String) throws -> URL { try write(Data(text.utf8), name) }

    deinit { try? FileManager.default.removeItem(at: url) }
}

/// Files that tests read.
enum TestFiles {
    /// The folder of committed fixtures.
    static let fixtures = Bundle.module.resourceURL!.appendingPathComponent("Fixtures")

    /// A model that `data/fetch.py` fetches into the repository's `data/`; nil when it is not there.
    static func model(_ name: String) -> URL? {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let url = root.appendingPathComponent("data").appendingPathComponent(name)
        let weights = url.appendingPathComponent("model.safetensors")
        return FileManager.default.fileExists(atPath: weights.path) ? url : nil
    }
}

/// The text of the error that `body` throws; nil when it throws none.
func message(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return "\(error)"
    }
}
