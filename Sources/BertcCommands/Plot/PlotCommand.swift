import ArgumentParser
import Encoders
import Foundation
import Support

/// `bertc plot`: the curves of training runs.
struct PlotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plot",
        abstract: "Plots a column of the logs of training runs.",
        discussion: """
            Draws into the terminal and, with --output, an SVG file. Several logs share the axes.

            EXAMPLE:
              bertc plot data/runs/pretrain/log.csv --column validation_masked_lm_loss
              bertc plot a/log.csv b/log.csv --column loss --output curves.svg
            """)

    @Argument(help: "log.csv files.")
    var logs: [String]

    @Option(parsing: .unconditional, help: "The column, as the first row of the file names it.")
    var column = "loss"

    @Option(parsing: .unconditional, help: "Also write an SVG file.")
    var output: String?

    func validate() throws {
        guard logs.count <= TerminalPlot.marks.count else {
            throw ValidationError(
                "there are \(logs.count) logs; expected at most \(TerminalPlot.marks.count)")
        }
    }

    func run() throws {
        let curves = try logs.map { try LogCurve(path: $0, column: column) }
        TerminalPlot(title: column, curves: curves).lines.forEach(Console.print)
        guard let output else { return }
        let text = SVGPlot(title: column, curves: curves).text
        try AtomicFile.write(Data(text.utf8), to: URL(file: output))
        Console.note("\(output): written")
    }
}
