import Foundation

/// The repository that the tests are part of.
package enum Checkout {
    /// The directory with Package.swift.
    package static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// A file or folder of the fetched models and data sets, which are not part of the repository.
    package static func data(_ name: String) -> URL {
        root.appendingPathComponent("data").appendingPathComponent(name)
    }

    /// A fetched model; nil when it is not there.
    package static func model(_ name: String) -> URL? {
        let weights = data(name).appendingPathComponent("model.safetensors")
        return FileManager.default.fileExists(atPath: weights.path) ? data(name) : nil
    }
}
