import ArgumentParser
import GraphCompiler

/// `bertc roofline`: what this machine's cores and memory reach.
struct RooflineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roofline",
        abstract: "Measures what this machine's cores and memory reach: the ceilings of any kernel.",
        discussion: """
            Takes about a second, with generated loops that do nothing else; run it while the machine is idle. The
            result is kept in the cache directory, where train --profile finds it.

            EXAMPLE:
              bertc roofline
              bertc roofline --threads 1 --cpu avx2 --json
            """)

    @OptionGroup(title: "Common options") var global: GlobalOptions

    func run() throws {
        let compiler = try global.makeCompiler(global.compilerOptions)
        if let line = compiler.threadsNote { global.note(line) }
        let page = RooflinePage(ceilings: try compiler.ceilings(again: true))
        Console.print(global.json ? "\(page.json)" : page.text)
    }
}
