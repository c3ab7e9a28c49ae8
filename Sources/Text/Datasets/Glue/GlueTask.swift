/// The nine tasks of GLUE (Wang et al., arXiv:1804.07461), named as their folders are.
public enum GlueTask: String, Sendable, Hashable, CaseIterable {
    case cola = "CoLA"
    case sst2 = "SST-2"
    case mrpc = "MRPC"
    case stsb = "STS-B"
    case qqp = "QQP"
    case mnli = "MNLI"
    case qnli = "QNLI"
    case rte = "RTE"
    case wnli = "WNLI"

    /// Finds a task by its name in any spelling: `MRPC`, `mrpc`, `STS-B`, `sts-b`, `stsb`.
    public init?(named name: String) {
        func plain(_ name: String) -> String { name.lowercased().filter { $0 != "-" } }
        guard let task = Self.allCases.first(where: { plain($0.rawValue) == plain(name) }) else { return nil }
        self = task
    }

    /// The name in configurations and on the command line: `sts-b`.
    public var name: String { rawValue.lowercased() }

    /// The classes as the files spell them, in the order of their ids, which is that of Hugging Face's data sets;
    /// empty for STS-B, whose targets are numbers from 0 to 5.
    public var labels: [String] {
        switch self {
        case .cola, .sst2, .mrpc, .qqp, .wnli: ["0", "1"]
        case .stsb: []
        case .mnli: ["entailment", "neutral", "contradiction"]
        case .qnli, .rte: ["entailment", "not_entailment"]
        }
    }
}

/// A file of a task.
package enum GlueSplit: Sendable, Hashable {
    case train
    /// MNLI's matched one.
    case dev
    /// MNLI's other one, whose texts are of genres that training does not have.
    case devMismatched
    /// MNLI's matched one. Test files have no labels.
    case test
    case testMismatched
    /// The diagnostic set AX, which is predicted with the model of MNLI; in a folder of its own.
    case diagnostic

    package var isTest: Bool {
        switch self {
        case .train, .dev, .devMismatched: false
        case .test, .testMismatched, .diagnostic: true
        }
    }
}

extension GlueTask {
    /// The splits with labels that a model of the task is measured on.
    package var devSplits: [GlueSplit] { self == .mnli ? [.dev, .devMismatched] : [.dev] }

    /// The splits that a model of the task is submitted for.
    package var testSplits: [GlueSplit] {
        self == .mnli ? [.test, .testMismatched, .diagnostic] : [.test]
    }

    /// The file of a split.
    package func fileName(of split: GlueSplit) -> String {
        switch split {
        case .train: "train.tsv"
        case .dev: self == .mnli ? "dev_matched.tsv" : "dev.tsv"
        case .devMismatched: "dev_mismatched.tsv"
        case .test: self == .mnli ? "test_matched.tsv" : "test.tsv"
        case .testMismatched: "test_mismatched.tsv"
        case .diagnostic: "diagnostic.tsv"
        }
    }

    /// The name of a split on the leaderboard, and of its file of predictions without `.tsv`: `MNLI-mm`.
    package func leaderboardName(of split: GlueSplit) -> String {
        switch split {
        case .train, .dev, .test: self == .mnli ? "MNLI-m" : rawValue
        case .devMismatched, .testMismatched: "MNLI-mm"
        case .diagnostic: "AX"
        }
    }
}
