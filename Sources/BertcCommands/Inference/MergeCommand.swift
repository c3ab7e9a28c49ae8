import ArgumentParser
import Pipelines
import Support

/// `bertc merge`: adds an adapter to the weights of its model.
struct MergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Adds a low-rank adapter to the weights of its model.",
        discussion: """
            Writes a whole model directory in Hugging Face's layout, which needs the adapter no more: the
            weights W of each adapted layer become W + scale · B A, and modules that were saved with the
            adapter take the place of the model's.

            EXAMPLE:
              bertc merge runs/reviews-lora --output runs/reviews
              bertc merge data/minilm --adapter runs/reviews-lora --output runs/reviews
            """)

    @Argument(help: "A model directory, or the directory of an adapter that names its base.")
    var model: String

    @Option(parsing: .unconditional, help: "The directory of the adapter, where the model is its base.")
    var adapter: String?

    @Option(parsing: .unconditional, help: "The directory to write.")
    var output: String

    @Flag(help: "Print results only.")
    var quiet = false

    func run() throws {
        try MergedModel(model, adapter: adapter).save(to: output)
        if !quiet { Console.note("the model was written to \(output)") }
    }
}
