import ArgumentParser
import Text

/// `bertc glue`: fine-tunes a model on the tasks of GLUE one after another.
struct GlueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "glue",
        abstract: "Fine-tunes a model on GLUE's tasks and prints the table.",
        discussion: """
            Trains the model on each task in the folder, measures what the best epoch gave on the development
            data, and writes predictions for the test files as the leaderboard wants them. docs/glue.md says
            what the columns are. Ctrl-C, SIGTERM and SIGHUP write a checkpoint; run the same command to continue
            from there, and finished tasks are not trained again.

            EXAMPLE:
              bertc glue --data glue_data --model data/minilm
              bertc glue --data glue_data --model data/minilm --tasks cola,rte --epochs 5 --output runs/small
              bertc glue train.json --data glue_data --set maxTokens=4096
            """)

    @Argument(help: "A configuration to use instead of the standard recipe; its task is ignored.")
    var config: String?

    @Option(parsing: .unconditional, help: "GLUE's folder, with a folder for each task.")
    var data: String?

    @Option(
        parsing: .unconditional,
        help: "A model directory in Hugging Face's layout, or a model.json for fresh parameters.")
    var model: String?

    @Option(
        parsing: .unconditional,
        help: "Tasks with commas between them, such as cola,mrpc; all in the folder by default.")
    var tasks: String?

    @Option(parsing: .unconditional, help: "Where models, results and predictions go; runs/glue by default.")
    var output: String?

    @Option(help: "Passes over the training data; 3 by default.")
    var epochs: String?

    @Option(name: .customLong("learning-rate"), help: "The learning rate after the warm-up; 5e-5 by default.")
    var learningRate: String?

    @Option(name: .customLong("batch-size"), help: "Examples in a batch; 32 by default.")
    var batchSize: String?

    @Option(help: "Seed of the classifiers, the order of examples, and dropout; 42 by default.")
    var seed: String?

    @Option(
        parsing: .unconditionalSingleValue,
        help: "Set a field of the configuration: field=value; may be given several times.")
    var set: [String] = []

    @OptionGroup(title: "Passes") var passes: PassOptions
    @OptionGroup(title: "Common options") var global: GlobalOptions

    func validate() throws {
        _ = try overrides
        _ = try chosenTasks
    }

    var overrides: ConfigOverrides {
        get throws {
            try ConfigOverrides(
                [
                    ("--data", "data", data), ("--model", "model", model),
                    ("--output", "outputDirectory", output), ("--epochs", "epochs", epochs),
                    ("--learning-rate", "learningRate", learningRate),
                    ("--batch-size", "batchSize", batchSize),
                    ("--seed", "seed", seed),
                ], set)
        }
    }

    /// The tasks of `--tasks`; `nil` without it.
    var chosenTasks: [GlueTask]? {
        get throws {
            if tasks?.isEmpty ?? false {
                throw ValidationError("--tasks is empty; expected tasks such as cola,mrpc")
            }
            return try tasks?.split(separator: ",").reduce(into: []) { chosen, name in
                guard let task = GlueTask(named: String(name)) else {
                    let names = GlueTask.allCases.map(\.name).joined(separator: ", ")
                    throw ValidationError(
                        "--tasks has '\(name)', which is not a GLUE task; expected \(names)")
                }
                if !chosen.contains(task) { chosen.append(task) }
            }
        }
    }
}
