/// What a run writes, and what it goes on from.
public struct OutputSettings: Sendable, Equatable {
    /// Where the model, checkpoints and logs go; relative to the configuration's directory.
    public var directory = "output"
    /// Steps between checkpoints; after each epoch when `nil`, never when 0.
    public var saveEvery: Int?
    /// How many checkpoints stay, the newest ones.
    public var keepCheckpoints = 1
    /// A checkpoint's directory, or `latest`.
    public var resume: String?
    /// Steps between rows of the logs.
    public var logEvery = 10
    /// Whether `log.csv` is written.
    public var csvLog = true
    /// Whether event files are written into `tensorboard/`.
    public var tensorBoard = false
}

extension OutputSettings: ConfigSection {
    package static var fields: [ConfigField<Self>] {
        [
            .init(
                "outputDirectory", \.directory, "Where the model, checkpoints and logs go.",
                expectation: "the path of a directory", effect: .none, isPath: true
            ) { !$0.isEmpty },
            .init(
                "saveEvery", \.saveEvery, "Steps between checkpoints; null is after each epoch, 0 is never.",
                atLeast: 0, effect: .none),
            .init(
                "keepCheckpoints", \.keepCheckpoints, "How many checkpoints stay.", atLeast: 1,
                effect: .none),
            .init(
                "resume", \.resume,
                "A checkpoint's directory to go on from; `latest` is the newest of `outputDirectory`, or a new start "
                    + "when there is none.", effect: .none, isPath: true),
            .init("logEvery", \.logEvery, "Steps between rows of the logs.", atLeast: 1, effect: .none),
            .init("csvLog", \.csvLog, "Write `log.csv`.", effect: .none),
            .init(
                "tensorBoard", \.tensorBoard, "Write event files into `tensorboard/`.", effect: .none),
        ]
    }
}
