import ArgumentParser
import Foundation

/// `bertc bench side`: one side of a row, in a process of its own so that its memory is its own. It answers
/// each turn with a line of JSON and waits for a line before the next one.
struct BenchSideCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "side", shouldDisplay: false)

    /// A `BenchSide` as JSON. No options: those of the command above would come first.
    @Argument var side: String

    func run() throws {
        do {
            let side = try JSONDecoder().decode(BenchSide.self, from: Data(side.utf8))
            try side.run { turn in
                try say(.turn(turn))
                return readLine() != nil
            }
        } catch {
            try say(.failure("\(error)"))
        }
    }

    private func say(_ answer: BenchSide.Answer) throws {
        Console.print(String(decoding: try JSONEncoder().encode(answer), as: UTF8.self))
        try Console.finish()
    }
}
