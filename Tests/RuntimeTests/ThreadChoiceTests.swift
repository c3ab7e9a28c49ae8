import Foundation
import Testing

@testable import Runtime

/// How many threads a process gets by itself, on machines that are directories of files.
@Suite struct ThreadChoiceTests {
    /// A directory with such files under /proc and /sys, for the time of `body`.
    private func withMachine<Result>(
        _ files: [String: String], _ body: (SystemFiles) throws -> Result
    ) throws -> Result {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        for (path, text) in files {
            let url = root.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data("\(text)\n".utf8).write(to: url)
        }
        return try body(SystemFiles(root: root.path))
    }

    private static let cpus = "/sys/devices/system/cpu"

    /// The files of processors in cores: the lists of siblings, and capacities where there are any.
    private static func machine(_ cores: [String], capacities: [Int] = []) -> [String: String] {
        var files: [String: String] = [:]
        var count = 0
        for core in cores {
            for processor in SystemFiles.processors(in: core) ?? [] {
                files["\(cpus)/cpu\(processor)/topology/thread_siblings_list"] = core
                count += 1
            }
        }
        for (processor, capacity) in capacities.enumerated() {
            files["\(cpus)/cpu\(processor)/cpu_capacity"] = "\(capacity)"
        }
        files["\(cpus)/online"] = "0-\(count - 1)"
        return files
    }

    struct Example: Sendable {
        let name: String
        let files: [String: String]
        let mask: [Int]?
        let count: Int
        let reason: String?
    }

    static let machines = [
        Example(
            name: "all of two cores", files: machine(["0", "1"], capacities: [1024, 1024]), mask: [0, 1],
            count: 2, reason: nil),
        Example(
            name: "no topology", files: ["\(cpus)/online": "0-3"], mask: nil, count: 4, reason: nil),
        Example(name: "no files at all", files: [:], mask: [0, 1, 2], count: 3, reason: nil),
        Example(
            name: "SMT", files: machine(["0,4", "1,5", "2,6", "3,7"]), mask: Array(0..<8), count: 4,
            reason: "8 processors are online; one per core"),
        Example(
            name: "SMT with neighbours", files: machine(["0-1", "2-3"]), mask: [0, 1, 2, 3], count: 2,
            reason: "4 processors are online; one per core"),
        Example(
            name: "one thread of each of two cores", files: machine(["0,2", "1,3"]), mask: [0, 1], count: 2,
            reason: "4 processors are online; this process may run on 2"),
        Example(
            name: "both threads of a core", files: machine(["0,2", "1,3"]), mask: [1, 3], count: 1,
            reason: "4 processors are online; this process may run on 2; one per core"),
        Example(
            name: "Intel's two kinds of cores",
            files: machine(["0-1", "2-3", "4", "5", "6", "7"]).merging(
                ["/sys/devices/cpu_core/cpus": "0-3", "/sys/devices/cpu_atom/cpus": "4-7"]) { $1 },
            mask: Array(0..<8), count: 2,
            reason: "8 processors are online; 4 belong to performance cores; one per core"),
        Example(
            name: "efficiency cores only",
            files: machine(["0", "1", "2"]).merging(["/sys/devices/cpu_core/cpus": "0"]) { $1 },
            mask: [1, 2], count: 2, reason: "3 processors are online; this process may run on 2"),
        Example(
            name: "three kinds of cores",
            files: machine(
                ["0", "1", "2", "3", "4", "5"], capacities: [300, 300, 300, 900, 900, 1024]),
            mask: Array(0..<6), count: 3,
            reason: "6 processors are online; 3 belong to performance cores"),
    ]

    @Test(arguments: machines)
    func cores(_ example: Example) throws {
        let choice = try withMachine(example.files) {
            ThreadChoice(ProcessorTopology(mask: example.mask, $0), ProcessorQuota.ofProcess($0))
        }
        #expect(choice.count == example.count, "\(example.name)")
        #expect(choice.reason == example.reason, "\(example.name)")
    }

    @Test func listsOfProcessors() {
        #expect(SystemFiles.processors(in: "0-3,8,10-11") == [0, 1, 2, 3, 8, 10, 11])
        #expect(SystemFiles.processors(in: "") == [])
        for text in ["a", "3-1", "1-2-3", "-1", "0-", "0-99999999"] {
            #expect(SystemFiles.processors(in: text) == nil, "\(text)")
        }
    }

    @Test func quotas() {
        #expect(ProcessorQuota.processors(in: "150000 100000") == 1.5)
        for text in ["max 100000", "-1 100000", "150000", "", "1 0", "0 1"] {
            #expect(ProcessorQuota.processors(in: text) == nil, "\(text)")
        }
    }

    /// Lines of mountinfo: the unified hierarchy, and the first version's controller.
    private static func unified(_ root: String = "/") -> String {
        "30 24 0:26 \(root) /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
    }
    private static func first(_ root: String = "/") -> String {
        "32 31 0:29 \(root) /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"
    }

    static let groups: [(String, [String: String], Double?, String?)] = [
        ("no quota", ["/sys/fs/cgroup/a/cpu.max": "max 100000"], nil, nil),
        (
            "the group around has the least",
            [
                "/sys/fs/cgroup/a/b/cpu.max": "400000 100000", "/sys/fs/cgroup/a/cpu.max": "250000 100000",
                "/sys/fs/cgroup/cpu.max": "800000 100000",
            ], 2.5, "/sys/fs/cgroup/a/cpu.max"
        ),
        (
            "the first version",
            [
                "/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us": "50000",
                "/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us": "100000",
                "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1",
                "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
            ], 0.5, "/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us"
        ),
    ]

    @Test(arguments: groups)
    func controlGroups(
        _ name: String, _ files: [String: String], _ processors: Double?, _ file: String?
    ) throws {
        let process = [
            "/proc/self/cgroup": "2:cpu,cpuacct:/c\n1:name=systemd:/x\n0::/a/b",
            "/proc/self/mountinfo": "\(Self.unified())\n31 24 0:5 / /proc rw - proc proc rw\n\(Self.first())",
        ]
        let quota = try withMachine(files.merging(process) { $1 }, ProcessorQuota.ofProcess)
        #expect(quota?.processors == processors, "\(name)")
        #expect(quota?.file == file, "\(name)")
    }

    /// A container that sees its own group as the root of what is mounted, by name or not at all.
    @Test(arguments: ["0::/docker/abc", "0::/", "0::/elsewhere"])
    func containers(group: String) throws {
        let files = [
            "/proc/self/cgroup": group, "/proc/self/mountinfo": Self.unified("/docker/abc"),
            "/sys/fs/cgroup/cpu.max": "300000 100000",
        ]
        #expect(try withMachine(files, ProcessorQuota.ofProcess)?.processors == 3)
    }

    @Test(arguments: [(0.2, 1), (1, 1), (1.5, 2), (2, 2), (3, 3), (3.5, 4), (4, 4), (64, 4)])
    func quotasAreRoundedUp(processors: Double, count: Int) throws {
        let topology = try withMachine(Self.machine(["0", "1", "2", "3"])) {
            ProcessorTopology(mask: [0, 1, 2, 3], $0)
        }
        let quota = ProcessorQuota(processors: processors, file: "/sys/fs/cgroup/cpu.max")
        let choice = ThreadChoice(topology, quota)
        #expect(choice.count == count)
        #expect(choice.reason?.hasPrefix("4 processors are online; /sys/fs/cgroup/cpu.max allows") ?? true)
        #expect((choice.reason == nil) == (count == 4))
    }
}
