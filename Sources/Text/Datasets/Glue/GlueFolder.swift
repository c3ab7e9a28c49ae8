import Foundation
import Support

/// Where a task's files are.
package struct GlueFolder: Sendable {
    package let task: GlueTask
    /// The folder with the task's `train.tsv`.
    package let path: String

    /// Finds the task in `directory`: GLUE's folder with one folder a task, whose names may be in lower case as well,
    /// or the task's own folder.
    ///
    /// - Throws: `FileError` when the task is in neither place.
    package init(_ task: GlueTask, in directory: String) throws(FileError) {
        self.task = task
        if let folder = Self.folder(of: task, in: directory) {
            path = folder
        } else if FileManager.default.fileExists(atPath: directory + "/train.tsv") {
            path = directory
        } else {
            throw FileError(
                unreadable: directory,
                message:
                    "holds neither \(task.rawValue)/ nor train.tsv; expected GLUE's folder or that of \(task.rawValue)"
            )
        }
    }

    /// The tasks with a folder in GLUE's folder.
    package static func tasks(in directory: String) -> [GlueTask] {
        GlueTask.allCases.filter { folder(of: $0, in: directory) != nil }
    }

    private static func folder(of task: GlueTask, in directory: String) -> String? {
        [task.rawValue, task.name].map { "\(directory)/\($0)" }.first {
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: $0, isDirectory: &isDirectory)
                && isDirectory.boolValue
        }
    }

    /// The file of a split, whether it is there or not. The diagnostic set has a folder beside MNLI's; some copies
    /// have it in MNLI's.
    package func path(of split: GlueSplit) -> String {
        let file = task.fileName(of: split)
        guard split == .diagnostic else { return "\(path)/\(file)" }
        let parent = path.parentPath
        let own = "\(parent.isEmpty ? "." : parent)/diagnostic/\(file)"
        return FileManager.default.fileExists(atPath: own) ? own : "\(path)/\(file)"
    }

    package func has(_ split: GlueSplit) -> Bool {
        FileManager.default.fileExists(atPath: path(of: split))
    }

    package func load(_ split: GlueSplit) throws -> GlueFile {
        try GlueFile(path: path(of: split), task: task, split: split)
    }
}
