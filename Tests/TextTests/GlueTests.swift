import Foundation
import TestSupport
import Testing
import Text

/// GLUE's files as they are, quirks included.
@Suite struct GlueTests {
    private let scratch: TemporaryDirectory

    init() throws { scratch = try TemporaryDirectory() }

    private func read(_ task: GlueTask, _ split: GlueSplit, _ contents: String) throws -> GlueFile {
        let path = try scratch.write(task.fileName(of: split), contents)
        return try GlueFile(path: path, task: task, split: split)
    }

    private static let mnliStart =
        "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse"
        + "\tsentence2_parse\tsentence1\tsentence2"

    struct Case: Sendable, CustomTestStringConvertible {
        let task: GlueTask
        let split: GlueSplit
        let contents: String
        let examples: [TextExample]
        var indices: [String] = []

        var testDescription: String { "\(task.rawValue) \(split)" }
    }

    static let cases = [
        // No header, and an empty third column; the source may be anything.
        Case(
            task: .cola, split: .train,
            contents: "gj04\t1\t\tOur friends won't buy it.\ncj99\t0\t*\tThe \"more we study.\n",
            examples: [
                TextExample(text: "Our friends won't buy it.", label: "1"),
                TextExample(text: "The \"more we study.", label: "0"),
            ]),
        Case(
            task: .cola, split: .test, contents: "index\tsentence\n0\tBill whistled.\n1\t\"So.\n",
            examples: [TextExample(text: "Bill whistled."), TextExample(text: "\"So.")], indices: ["0", "1"]),
        Case(
            task: .sst2, split: .dev, contents: "sentence\tlabel\nit 's a charming journey . \t1\n",
            examples: [TextExample(text: "it 's a charming journey . ", label: "1")]),
        Case(
            task: .sst2, split: .test, contents: "index\tsentence\n0\tuneasy mishmash\n",
            examples: [TextExample(text: "uneasy mishmash")], indices: ["0"]),
        // A byte-order mark, \r\n, quotes without a partner, a text that looks like a CSV field.
        Case(
            task: .mrpc, split: .train,
            contents: "\u{FEFF}Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n"
                + "1\t70\t71\t\"The bill is\t\"\"It\"\" passed.\"\r\n0\t8\t9\ta\t\"\r\n\r\n",
            examples: [
                TextExample(text: "\"The bill is", pair: "\"\"It\"\" passed.\"", label: "1"),
                TextExample(text: "a", pair: "\"", label: "0"),
            ]),
        Case(
            task: .mrpc, split: .test,
            contents: "index\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t70\t71\ta\tb\n1\t8\t9\tc\td\n",
            examples: [TextExample(text: "a", pair: "b"), TextExample(text: "c", pair: "d")],
            indices: ["0", "1"]),
        // The original test file has labels, and no numbers.
        Case(
            task: .mrpc, split: .test,
            contents: "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t70\t71\ta\tb\n0\t8\t9\tc\td\n",
            examples: [
                TextExample(text: "a", pair: "b", label: "1"), TextExample(text: "c", pair: "d", label: "0"),
            ], indices: ["0", "1"]),
        Case(
            task: .stsb, split: .dev,
            contents:
                "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
                + "4\tmain-captions\tMSRvid\t2012test\t0009\tnone\tnone\tA man.\tA \"man\".\t4.250\n",
            examples: [TextExample(text: "A man.", pair: "A \"man\".", label: "4.250")]),
        Case(
            task: .stsb, split: .test,
            contents: "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\n"
                + "7\tmain-captions\tMSRvid\t2012test\t0009\tnone\tnone\tA girl.\tA woman.\n",
            examples: [TextExample(text: "A girl.", pair: "A woman.")], indices: ["7"]),
        // An empty question is a question.
        Case(
            task: .qqp, split: .dev,
            contents: "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n5\t6\t7\tWhy \"x\"?\t\t0\n",
            examples: [TextExample(text: "Why \"x\"?", pair: "", label: "0")]),
        Case(
            task: .qqp, split: .test, contents: "id\tquestion1\tquestion2\n12\tWhy?\tHow?\n",
            examples: [TextExample(text: "Why?", pair: "How?")], indices: ["12"]),
        Case(
            task: .mnli, split: .train,
            contents: mnliStart
                + "\tlabel1\tgold_label\n0\t3\t3n\tfiction\t( a )\t( b )\t(a)\t(b)\tp\th\tneutral"
                + "\tentailment\n",
            examples: [TextExample(text: "p", pair: "h", label: "entailment")]),
        Case(
            task: .mnli, split: .devMismatched,
            contents: mnliStart + "\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5\tgold_label\n"
                + "0\t3\t3n\tletters\t\t\t\t\tp\th\tneutral\tneutral\tneutral\tneutral\tentailment\tneutral\n",
            examples: [TextExample(text: "p", pair: "h", label: "neutral")]),
        Case(
            task: .mnli, split: .testMismatched,
            contents: mnliStart + "\n9847\t3\t3n\tverbatim\t\t\t\t\tp\th\n",
            examples: [TextExample(text: "p", pair: "h")], indices: ["9847"]),
        Case(
            task: .mnli, split: .diagnostic, contents: "index\tsentence1\tsentence2\n0\tp\th\n",
            examples: [TextExample(text: "p", pair: "h")], indices: ["0"]),
        Case(
            task: .qnli, split: .dev,
            contents: "index\tquestion\tsentence\tlabel\n0\tq?\ts\tnot_entailment\n",
            examples: [TextExample(text: "q?", pair: "s", label: "not_entailment")]),
        Case(
            task: .rte, split: .train, contents: "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n",
            examples: [TextExample(text: "a", pair: "b", label: "entailment")]),
        Case(
            task: .wnli, split: .test, contents: "index\tsentence1\tsentence2\n0\ta\tb\n",
            examples: [TextExample(text: "a", pair: "b")], indices: ["0"]),
    ]

    @Test(arguments: cases)
    func reads(_ item: Case) throws {
        let file = try read(item.task, item.split, item.contents)
        #expect(file.dataset.examples == item.examples)
        #expect(file.indices == item.indices)
        #expect(file.skippedCount == 0)
    }

    /// Rows that a line end within a question broke in two, and one without label; lines stay right.
    @Test func skipsBrokenRowsOfQQP() throws {
        let header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
        let file = try read(
            .qqp, .train,
            header + "0\t1\t2\ta\tb\t1\n3\t4\t5\tbroken\nrest\tb\t0\n6\t7\t8\tc\td\t\n9\t1\t2\te\tf\t0\n")
        #expect(file.dataset.examples.map(\.text) == ["a", "e"])
        #expect(file.dataset.lines == [2, 6])
        #expect(file.skippedCount == 3)
    }

    @Test(arguments: [
        (
            GlueTask.cola, GlueSplit.train, "gj04\t1\t\n", 1,
            "has 3 tab-separated columns; expected 4, which are source"
        ),
        (.cola, .dev, "a\t1\t\tx\nindex\tsentence\n", 2, "has 2 tab-separated columns"),
        (.sst2, .train, "sentence\tlabel\nfine\t1\nbad\n", 3, "has 1 tab-separated columns; expected 2"),
        (.sst2, .train, "sentence\tlabel\nfine\t\n", 2, "the example has no label; expected 0 or 1"),
        (.sst2, .train, "sentence\tlabel\nfine\t2\n", 2, "unknown label \"2\"; known labels are 0, 1"),
        (.sst2, .train, "text\tlabel\nfine\t1\n", 1, "has no column \"sentence\"; columns are text, label"),
        (.rte, .dev, "index\tsentence1\tsentence2\n0\ta\tb\n", 1, "has no column \"label\""),
        // A tab separates within quotes, too.
        (
            .rte, .dev, "index\tsentence1\tsentence2\tlabel\n0\t\"a\tb\"\tc\tentailment\n", 2,
            "has 5 tab-separated columns; expected 4, which the header names (a tab within quotes"
        ),
        // A test file needs a prediction for every row.
        (
            .qqp, .test, "id\tquestion1\tquestion2\n0\ta\tb\n1\tc\n", 3,
            "has 2 tab-separated columns; expected 3"
        ),
        (
            .stsb, .dev, "sentence1\tsentence2\tscore\na\tb\tmuch\n", 2,
            "label \"much\" is not a finite number"
        ),
        (
            .stsb, .dev, "sentence1\tsentence2\tscore\na\tb\t\n", 2,
            "the example has no label; expected a number"
        ),
    ])
    func refuses(task: GlueTask, split: GlueSplit, contents: String, line: Int, problem: String) throws {
        let error = try textError { _ = try read(task, split, contents) }
        #expect(error.line == line)
        #expect(error.file?.hasSuffix("/" + task.fileName(of: split)) ?? false)
        #expect(error.message.hasPrefix(problem), "\(error)")
    }

    @Test(arguments: ["", "sentence\tlabel\n"])
    func refusesAFileWithoutExamples(contents: String) throws {
        #expect(try textError { _ = try read(.sst2, .train, contents) }.kind == .emptyDataset)
    }

    @Test func missingFileSaysWhatIsExpected() throws {
        let error = try fileError { _ = try GlueFile(path: "no/dev_matched.tsv", task: .mnli, split: .dev) }
        #expect(error.description == "no/dev_matched.tsv: no such file; expected MNLI's dev_matched.tsv")
    }

    // MARK: Folders

    private func makeFolders(_ names: String...) throws {
        for name in names {
            try FileManager.default.createDirectory(
                atPath: "\(scratch.path)/\(name)", withIntermediateDirectories: true)
        }
    }

    @Test func findsFoldersInEitherCase() throws {
        try makeFolders("MRPC", "sts-b", "SNLI")
        #expect(GlueFolder.tasks(in: scratch.path) == [.mrpc, .stsb])
        #expect(try GlueFolder(.mrpc, in: scratch.path).path == scratch.path + "/MRPC")
        #expect(try GlueFolder(.stsb, in: scratch.path).path(of: .dev) == scratch.path + "/sts-b/dev.tsv")
        let error = try fileError { _ = try GlueFolder(.rte, in: scratch.path) }
        #expect(error.message == "holds neither RTE/ nor train.tsv; expected GLUE's folder or that of RTE")
    }

    @Test func takesTheTasksOwnFolder() throws {
        _ = try scratch.write("train.tsv", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n")
        let folder = try GlueFolder(.rte, in: scratch.path)
        #expect(try folder.load(.train).dataset.count == 1)
        #expect(!folder.has(.test))
    }

    @Test func diagnosticSetIsBesideMNLIOrInIt() throws {
        try makeFolders("MNLI", "diagnostic")
        let folder = try GlueFolder(.mnli, in: scratch.path)
        _ = try scratch.write("MNLI/diagnostic.tsv", "")
        #expect(folder.path(of: .diagnostic) == scratch.path + "/MNLI/diagnostic.tsv")
        _ = try scratch.write("diagnostic/diagnostic.tsv", "")
        #expect(folder.path(of: .diagnostic) == scratch.path + "/diagnostic/diagnostic.tsv")
    }

    @Test(arguments: [
        ("mrpc", GlueTask.mrpc), ("STS-B", .stsb), ("stsb", .stsb), ("sst2", .sst2), ("MNLI", .mnli),
    ])
    func tasksByName(name: String, task: GlueTask) {
        #expect(GlueTask(named: name) == task)
        #expect(GlueTask(named: "mrcp") == nil)
    }

    @Test func leaderboardNames() {
        let names = GlueTask.allCases.flatMap { task in task.testSplits.map(task.leaderboardName) }
        #expect(
            names.sorted() == [
                "AX", "CoLA", "MNLI-m", "MNLI-mm", "MRPC", "QNLI", "QQP", "RTE", "SST-2", "STS-B", "WNLI",
            ])
    }
}
