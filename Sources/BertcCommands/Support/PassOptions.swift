import ArgumentParser
import GraphCompiler
import Support

/// Which passes run, and where the stages go: for every command that compiles.
struct PassOptions: ParsableArguments {
    @Option(
        name: .customLong("dump-ir"), parsing: .unconditional,
        help: "Write every stage of the compilation into numbered files of this directory, with an index.")
    var dumpDirectory: String?

    @Option(
        name: .customLong("disable-pass"), parsing: .unconditionalSingleValue,
        help: "Leave out a pass; may be given several times.")
    var disabled: [String] = []

    @Flag(help: "Make a kernel of every node: the baseline that fusion is measured against.")
    var unfused = false

    func validate() throws { for name in disabled { try Self.check(name, "--disable-pass") } }

    /// Refuses a name that no pass has.
    static func check(_ name: String, _ option: String) throws {
        let names = PassPipeline.standard(rules: [], keeping: [], precision: .bf16, recompute: .layer).names
        guard !names.contains(name) else { return }
        let nearest = nearestName(to: name, among: names).map { " (did you mean '\($0)'?)" } ?? ""
        throw ValidationError(
            "\(option) is '\(name)', which is not a pass\(nearest); the passes are \(names.joined(separator: ", "))"
        )
    }

    /// Sets the passes and, with `--dump-ir`, where the stages go.
    func apply(to options: inout CompilerOptions) throws {
        options.passes.disabled = Set(disabled)
        if unfused {
            options.passes.disabled.formUnion(
                PassPipeline.fusionPasses.intersection(PassPipeline.standard.names))
        }
        guard let dumpDirectory else { return }
        let dump = try StageDump(dumpDirectory)
        options.dump = { try dump.write($0) }
    }
}
