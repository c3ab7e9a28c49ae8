import Encoders
import Foundation
import Support
import Text
import Training

/// `glue.json` in a task's directory: with what settings and data the task is trained, and when it is finished, what
/// came out.
struct GlueRecord: Codable {
    private static let file = "glue.json"

    /// The fields of the configuration that decide the result.
    let settings: JSONObject
    /// Fingerprint of the task's files.
    let data: String
    var result: GlueResult?

    init(_ config: TrainingConfig, folder: GlueFolder) throws {
        let fields = TrainingConfig.fields.filter { $0.effect != .none }
        settings = JSONObject(fields.map { ($0.name, $0.json(config)) })
        var fingerprint = Fingerprint()
        let splits = [.train] + folder.task.devSplits + folder.task.testSplits
        for split in splits where folder.has(split) {
            fingerprint.add(FileManager.default.contents(atPath: folder.path(of: split)) ?? Data())
        }
        data = fingerprint.text
    }

    /// With the result of an earlier run in the directory, if there was one. A run that left neither a result nor a
    /// checkpoint does not count.
    ///
    /// - Throws: `CommandError` when that run had other settings or data.
    func resuming(in directory: String) throws -> GlueRecord {
        let path = "\(directory)/\(Self.file)"
        guard let text = FileManager.default.contents(atPath: path) else { return self }
        func refusal(_ problem: String) -> CommandError {
            CommandError(.badData, "\(path): \(problem), or choose another --output")
        }
        guard let earlier = try? JSONDecoder().decode(GlueRecord.self, from: text) else {
            throw refusal("is damaged; remove \(directory)")
        }
        let hasCheckpoint = FileManager.default.fileExists(atPath: "\(directory)/checkpoints")
        guard earlier.result != nil || hasCheckpoint else { return self }
        for (name, value) in settings.members {
            guard let old = earlier.settings[name], old != value else { continue }
            throw refusal(
                "was made with '\(name)' \(old), but it is \(value) now; set it back")
        }
        guard earlier.data == data else { throw refusal("was made with other data; restore them") }
        return earlier
    }

    func save(in directory: String) throws {
        try createDirectory(directory)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let url = URL(file: "\(directory)/\(Self.file)")
        try AtomicFile.write(try encoder.encode(self) + Data("\n".utf8), to: url)
    }
}
