import Foundation

/// How PyTorch runs a model.
package enum PeerMode: String, CaseIterable, Sendable {
    case eager, compile

    /// As the table names it.
    var title: String { self == .eager ? "PyTorch eager" : "torch.compile" }
}

/// A Python that has torch and transformers.
package struct PeerPython: Sendable {
    /// A path, or a name on the PATH.
    let interpreter: String
    package let versions: Versions

    package struct Versions: Codable, Hashable, Sendable {
        package let torch: String
        package let transformers: String
    }

    /// `nil` when there is no such program or it cannot import both.
    package init?(_ interpreter: String) {
        let command = [interpreter, Self.script("peer"), "--versions"]
        guard let output = try? ChildProcess.run(command, isQuiet: true).output,
            let versions = try? JSONDecoder().decode(Versions.self, from: Data(output.utf8))
        else { return nil }
        (self.interpreter, self.versions) = (interpreter, versions)
    }

    /// The path of one of `Peers/`.
    static func script(_ name: String) -> String {
        Bundle.module.bundleURL.appendingPathComponent("Peers/\(name).py").path
    }
}
