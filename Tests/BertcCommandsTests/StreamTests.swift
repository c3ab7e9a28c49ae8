import Foundation
import TestSupport
import Testing

/// Streams that take nothing, limits of the system, and values that look like something else.
@Suite struct StreamTests {
    let scratch: TemporaryDirectory

    init() throws {
        scratch = try TemporaryDirectory()
        try TinyModel.write(.classification(labels: 2), labels: ["bad", "good"], to: scratch)
    }

    static let commands = [
        "--help", "--version", "help train", "predict --help", "compile model --emit graph",
        "compile model --emit llvm", "predict model --text a", "embed model --text a",
        "mask bigbird --no-run",
    ]

    @Test(arguments: commands, [">/dev/full", ">&-"])
    func lostResultsAreAnError(_ command: String, _ stream: String) throws {
        let result = try Tool.shell("$B \(command) \(stream)", in: scratch)
        #expect(result.status == 73)
        #expect(result.error.contains("error: standard output: cannot be written: "))
    }

    @Test(arguments: ["2>&-", "2>/dev/full"])
    func lostErrorsKeepTheStatus(_ stream: String) throws {
        #expect(try Tool.shell("$B predict nowhere --text a \(stream)", in: scratch).status == 66)
        #expect(try Tool.shell("$B predict model --no-such-flag \(stream)", in: scratch).status == 64)
        let noted = try Tool.shell("$B embed model --text a --output a.npy \(stream)", in: scratch)
        #expect(noted.status == 0)
    }

    /// A closed stream's number must not become that of a file that the tool writes.
    @Test func closedStreamsDoNotWriteIntoFiles() throws {
        let result = try Tool.shell(
            "$B compile model --dump-ir stages >&- 2>&-; $B compile model --emit graph | head -n -0 > graph.ir; "
                + "cmp stages/01-graph.ir graph.ir", in: scratch)
        #expect(result.status == 0, "\(result.output)\(result.error)")
    }

    /// A file that grows beyond the limit is an error like a full disk, and leaves nothing behind.
    @Test(arguments: ["--html page.html", "--dump-ir .", "--emit llvm > page.ll"])
    func largeFilesAreAnError(_ option: String) throws {
        let result = try Tool.shell("ulimit -f 4; $B compile model --no-cache \(option)", in: scratch)
        #expect(result.status == 73)
        #expect(result.error.contains("cannot be written: File too large"))
        let left = try FileManager.default.contentsOfDirectory(atPath: scratch.url.path)
        #expect(!left.contains { $0.hasSuffix(".partial") }, "\(left)")
    }

    @Test func aReaderThatLeavesEndsTheTool() throws {
        let result = try Tool.shell(
            "set -o pipefail; $B compile model --emit llvm | head -1", in: scratch)
        #expect(result.status == 141 && result.error.isEmpty)
        #expect(result.output.split(separator: "\n").count == 1)
    }

    @Test(arguments: ["-1 star, bad film", "- fine", "--help", "-h", "--json", "--text=a", "--", "", "-"])
    func textsMayBeginWithADash(_ text: String) throws {
        let result = try Tool.run([
            "embed", scratch.path("model"), "--text", text, "--quiet",
        ])
        #expect(result.status == 0, "\(result.error)")
        let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
        #expect(object?["text"] as? String == text)
    }

    @Test func pathsMayBeginWithADash() throws {
        let result = try Tool.shell(
            "mv -- model -m && printf 'a\\n' > -t.txt && $B embed --file -t.txt --output -o.npy -- -m && ls ./-o.npy",
            in: scratch)
        #expect(result.status == 0, "\(result.error)")
    }

    /// `link/..` is where the link leads, not where it stands.
    @Test func parentsOfLinksAreTheFileSystems() throws {
        let result = try Tool.shell(
            """
            mkdir -p far/away && ln -s far/away link && mv model far/ && printf 'a\\n' > far/t.txt
            $B embed link/../model --file link/../t.txt --output link/../o.npy --quiet && ls far/o.npy
            """, in: scratch)
        #expect(result.status == 0, "\(result.error)")
    }

    @Test(arguments: [350_000, 400_000, 500_000])
    func littleAddressSpaceIsNoReasonToHang(_ limit: Int) throws {
        let result = try Tool.shell(
            "ulimit -v \(limit); timeout 60 $B predict model --text a --threads 2 --no-cache", in: scratch)
        #expect([0, 70].contains(result.status), "\(result.status): \(result.error)")
    }
}
