import ArgumentParser
import GraphCompiler
import Support

/// A demand of `--require-fusion`: at least so many kernels with these parts side by side in their names.
struct RequiredFusion {
    let parts: [String]
    let count: Int

    /// Reads `matmul+bias+gelu=12`.
    init(_ text: String) throws {
        let sides = text.split(separator: "=", omittingEmptySubsequences: false)
        let parts = sides[0].split(separator: "+", omittingEmptySubsequences: false).map {
            $0.filter { !$0.isWhitespace }
        }
        guard sides.count == 2, !parts.contains(""), let count = Int(sides[1]), count >= 1 else {
            throw ValidationError(
                "--require-fusion is '\(text)'; expected parts and a count of at least 1 such as matmul+bias+gelu=12"
            )
        }
        self.parts = parts
        self.count = count
    }

    var pattern: String { parts.joined(separator: "+") }

    /// Launches of kernels that hold the pattern.
    func launches(of program: Program) -> Int {
        program.launches.count { launch in
            let name = launch.kernel.name.split(separator: "+")
            return name.indices.contains { name[$0...].starts(with: parts) { $0 == $1 } }
        }
    }

    /// Rejected candidates that kept two neighbours of the pattern apart.
    func rejections(among decisions: [FusionDecision]) -> [DecisionGroup] {
        let pairs = parts.count == 1 ? [parts] : zip(parts, parts.dropFirst()).map { [$0, $1] }
        let matching = decisions.filter { decision in
            !decision.isFused
                && decision.patternParts.contains { kernel in
                    pairs.contains { pair in kernel.indices.contains { kernel[$0...].starts(with: pair) } }
                }
        }
        return DecisionGroup.groups(of: matching)
    }

    /// Throws, after printing why, when the program has fewer such kernels.
    func check(_ program: Program, _ decisions: [FusionDecision], of model: String) throws {
        let found = launches(of: program)
        guard found < count else { return }
        for group in rejections(among: decisions) {
            Console.note(
                "rejected \(group.members.count) x \(group.pattern): \(group.reason) (\(group.members[0].places))"
            )
        }
        throw CommandError(
            .unmet,
            "\(model): \(Formatted.count(found, "kernel has", "kernels have")) \(pattern) in \(found == 1 ? "its name" : "their names"), "
                + "\(count) are required\(reason(decisions)); --explain lists all candidates")
    }

    /// What to say when no rejected candidate explains the miss.
    private func reason(_ decisions: [FusionDecision]) -> String {
        if decisions.isEmpty { return "; no pass that fuses has run" }
        return rejections(among: decisions).isEmpty ? "; no candidate for it was rejected" : ""
    }
}
