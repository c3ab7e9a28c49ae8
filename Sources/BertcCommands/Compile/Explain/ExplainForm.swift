import ArgumentParser

/// How `--explain` lists the candidates for fusion.
enum ExplainForm: String, CaseIterable, ExpressibleByArgument {
    /// Text, in which equal decisions appear once.
    case text
    /// For machines: every decision.
    case json

    /// A command line in which `--explain` has its value, so that `--explain model.json` does not take the model for
    /// one.
    static func completed(_ arguments: [String]) -> [String] {
        guard arguments.first == CompileCommand.configuration.commandName else { return arguments }
        return arguments.map { $0 == "--explain" ? "--explain=\(text)" : $0 }
    }
}
