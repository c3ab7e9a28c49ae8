import Foundation
import Support

/// Finds and opens the weight files of a model directory.
enum CheckpointFiles {
    static let single = "model.safetensors"
    static let index = "model.safetensors.index.json"

    /// `model.safetensors`, else the shards of the index.
    /// - Throws: `CheckpointError` when there are no readable weights, `SafetensorsError` for a damaged file.
    static func open(in directory: URL) throws -> [SafetensorsFile] {
        func exists(_ name: String) -> Bool {
            FileManager.default.fileExists(atPath: directory.appendingPathComponent(name).path)
        }
        if exists(single) { return [try SafetensorsFile(directory.appendingPathComponent(single))] }
        if exists(index) { return try openShards(in: directory) }
        let isPickle = exists("pytorch_model.bin") || exists("pytorch_model.bin.index.json")
        throw isPickle
            ? CheckpointError.pickleOnly(directory: directory.path)
            : CheckpointError.noWeights(directory: directory.path)
    }

    /// The files named by the index's `weight_map`, each checked to hold the tensors it is said to hold.
    private static func openShards(in directory: URL) throws -> [SafetensorsFile] {
        let url = directory.appendingPathComponent(index)
        func bad(_ problem: String) -> CheckpointError { .badIndex(file: url.path, problem: problem) }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: readFile(url.path))
        } catch let error as JSONError {
            throw bad("is \(error)")
        } catch let error as FileError {
            throw bad("cannot be read: \(error.reason)")
        }
        guard case .object(let object) = value, case .object(let map)? = object["weight_map"] else {
            throw bad("has no 'weight_map', expected an object of tensor names and file names")
        }
        var shards: [TextKey: SafetensorsFile] = [:]
        for (tensor, item) in map.sorted.members {
            guard case .string(let name) = item, !name.isEmpty, !name.contains("/") else {
                throw bad("gives '\(tensor)' no file name of this directory")
            }
            let shard = try shards[TextKey(name)] ?? SafetensorsFile(directory.appendingPathComponent(name))
            shards[TextKey(name)] = shard
            guard shard.entry(named: tensor) != nil else {
                throw bad("places '\(tensor)' in \(name), which does not hold it")
            }
        }
        return shards.sorted { $0.key < $1.key }.map(\.value)
    }
}
