import Encoders
import Foundation
import GraphIR
import Pipelines
import Support

extension TrainingConfig {
    /// Reads a `train.json`. Paths in it are relative to the file's directory.
    ///
    /// - Throws: `ConfigError` naming the file, the field, what was expected and what was found.
    public init(contentsOf path: String) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw ConfigError(file: path, problem: "no such file; expected a training configuration")
        }
        guard !isDirectory.boolValue else {
            throw ConfigError(
                file: path, problem: "is a directory; expected a training configuration such as train.json")
        }
        try self.init(
            json: try readFile(path), file: path, directory: path.parentPath)
    }

    /// Decodes the text of a `train.json`.
    ///
    /// - Parameters:
    ///   - file: what errors call the text.
    ///   - directory: what relative paths start from; empty for the working directory.
    /// - Throws: `ConfigError`.
    public init(json: Data, file: String = "training configuration", directory: String = "") throws {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: json)
        } catch {
            throw ConfigError(file: file, problem: "is \(error)")
        }
        guard case .object(let object) = value else {
            throw ConfigError(file: file, problem: "holds \(value.kind), expected a JSON object")
        }
        self.init()
        self.file = file
        self.directory = directory
        for (name, value) in object.sorted.members { try set(name, value) }
        try validate()
    }

    /// Sets one field by its name in the file.
    ///
    /// - Throws: `ConfigError` for an unknown name (with the nearest legal one) or an ill-typed value.
    public mutating func set(_ name: String, _ value: JSONValue) throws {
        let fields = Self.fields
        guard let field = fields.first(where: { $0.name == name }) else {
            let nearest = nearestName(to: name, among: fields.map(\.name))
            throw ConfigError(
                file: file, field: name,
                problem: "is not a field"
                    + (nearest.map { "; did you mean '\($0)'?" } ?? "; see docs/training.md"))
        }
        if let expected = field.set(&self, value) {
            throw ConfigError(
                file: file, field: name, problem: "is \(value.shown), expected \(expected)")
        }
    }

    /// The configuration as JSON, every field included.
    public var json: JSONValue {
        .object(Self.fields.map { ($0.name, $0.json(self)) })
    }

    /// What is wrong with a field.
    func error(_ field: String, _ problem: String) -> ConfigError {
        ConfigError(file: file, field: field, problem: problem)
    }

    /// Refuses fields that the task does not look at, where they have been changed: a value that is what it would be
    /// anyway says nothing, and files may list every field.
    func refuseUseless(_ names: [String], _ reason: String) throws {
        try refuse(names) { "has no effect in the task \"\(task.rawValue)\", \(reason); remove it" }
    }

    /// Refuses the first of the fields that has been changed.
    func refuse(_ names: [String], because problem: () -> String) throws {
        let fresh = TrainingConfig()
        for field in Self.fields where names.contains(field.name) && !field.isSame(self, fresh) {
            throw error(field.name, problem())
        }
    }

    /// A path of the file as the working directory sees it.
    public func resolve(_ path: String) -> String { Self.path(path, from: directory) }

    /// A path that starts from `directory` if it is relative. What `..` takes back is left out, unless it is a symbolic
    /// link, which leads elsewhere.
    package static func path(_ path: String, from directory: String) -> String {
        if path.hasPrefix("/") || directory.isEmpty { return path }
        let root = directory.hasPrefix("/") ? "/" : ""
        var parts: [Substring] = []
        for part in (directory + "/" + path).split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != "..",
                !isSymbolicLink(root + parts.joined(separator: "/"))
            {
                parts.removeLast()
            } else {
                parts.append(part)
            }
        }
        let joined = root + parts.joined(separator: "/")
        return joined.isEmpty ? "." : joined
    }
}

private func isSymbolicLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
}

extension JSONValue {
    /// The value in an error message: short ones as they are, others by their kind.
    fileprivate var shown: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): value.count <= 40 ? "\"\(value)\"" : "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
