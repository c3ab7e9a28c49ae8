import Foundation
import Support

/// Reads a JSON object out of a file of a model directory.
enum ModuleFile {
    /// - Returns: nil when there is no such file.
    /// - Throws: `ConfigError` naming the file.
    static func object(at url: URL) throws -> JSONObject? {
        guard let value = try value(at: url) else { return nil }
        guard case .object(let object) = value else {
            throw ConfigError(file: url.path, problem: "holds \(value.kind), expected a JSON object")
        }
        return object
    }

    /// - Returns: nil when there is no such file.
    static func value(at url: URL) throws -> JSONValue? {
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        do {
            let file = try MappedFile(path: url.path)
            return try withExtendedLifetime(file) { try JSONValue(parsing: file.bytes) }
        } catch let error as JSONError {
            throw ConfigError(file: url.path, problem: "is \(error)")
        }
    }
}
