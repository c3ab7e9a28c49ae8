import Foundation

/// How many processors' time the control groups of a process leave it.
struct ProcessorQuota: Equatable {
    /// Processors on average, such as 1.5.
    let processors: Double
    /// The file that says so.
    let file: String

    /// The least quota of the process's groups and of all groups around them; `nil` when none has one.
    static func ofProcess(_ files: SystemFiles = SystemFiles()) -> ProcessorQuota? {
        guard let groups = files.text("/proc/self/cgroup"), let mounts = files.text("/proc/self/mountinfo")
        else { return nil }
        let quotas = lines(mounts).compactMap(Mount.init).flatMap { mount in
            mount.directories(groups).compactMap { quota(of: $0, isUnified: mount.isUnified, files) }
        }
        return quotas.min { $0.processors < $1.processors }
    }

    private static func quota(
        of directory: String, isUnified: Bool, _ files: SystemFiles
    ) -> ProcessorQuota? {
        let file = directory + (isUnified ? "/cpu.max" : "/cpu.cfs_quota_us")
        guard var text = files.text(file) else { return nil }
        if !isUnified { text += " \(files.text(directory + "/cpu.cfs_period_us") ?? "")" }
        return processors(in: text).map { ProcessorQuota(processors: $0, file: file) }
    }

    /// What `QUOTA PERIOD`, in microseconds, comes to; `nil` when the quota is `max` or -1.
    static func processors(in text: String) -> Double? {
        let numbers = text.split(separator: " ").map { Double($0) ?? 0 }
        guard numbers.count == 2, numbers[0] > 0, numbers[1] > 0 else { return nil }
        return numbers[0] / numbers[1]
    }

    private static func lines(_ text: String) -> [Substring] { text.split(separator: "\n") }

    /// A mounted hierarchy of control groups that can limit processor time.
    private struct Mount {
        let isUnified: Bool
        /// The group that is mounted.
        private let root: String
        private let directory: String

        /// A line of `mountinfo`: `32 31 0:29 /root /directory rw - cgroup cgroup rw,cpu`.
        init?(_ line: Substring) {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else {
                return nil
            }
            isUnified = fields[dash + 1] == "cgroup2"
            let limits =
                fields[dash + 1] == "cgroup" && fields[dash + 3].split(separator: ",").contains("cpu")
            guard isUnified || limits else { return nil }
            (root, directory) = (String(fields[3]), String(fields[4]))
        }

        /// Where the files of the process's group and of those around it are; `groups` is /proc/self/cgroup.
        func directories(_ groups: String) -> [String] {
            let group = lines(groups).compactMap { line -> Substring? in
                let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
                guard fields.count == 3 else { return nil }
                let isMine = isUnified ? fields[0] == "0" : fields[1].split(separator: ",").contains("cpu")
                return isMine ? fields[2] : nil
            }.first
            guard let group else { return [] }
            // In a container that does not see the groups around its own, its own may be what is mounted.
            let isBelow = root == "/" || group == root || group.hasPrefix(root + "/")
            let rest = isBelow ? group.dropFirst(root == "/" ? 0 : root.count) : ""
            var directories = [directory]
            for name in rest.split(separator: "/") where name != ".." {
                directories.append("\(directories[directories.count - 1])/\(name)")
            }
            return directories
        }
    }
}
