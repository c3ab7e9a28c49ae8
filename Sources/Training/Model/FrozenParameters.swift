import Support

/// Which parameters are not trained, as `freeze` lists them.
///
/// An entry is a glob on names (`*.bias`), the name of a module (`embeddings`, `encoder.layer.3.attention`), which stands
/// for all parameters in it, or has a range of numbers in place of one (`encoder.layer.0-3`); all of these go together.
package struct FrozenParameters: Sendable {
    private let globs: [Glob]

    /// - Parameter names: all parameters of the model.
    /// - Throws: `FreezeError` for an entry that stands for no parameter, or a layer of its range for none.
    package init(_ entries: [String], of names: [String]) throws {
        var globs: [Glob] = []
        for entry in entries {
            for pattern in try Self.layers(of: entry) {
                let own = [Glob(pattern), Glob(pattern + ".*")]
                guard names.contains(where: { name in own.contains { $0.matches(name) } }) else {
                    let part = pattern == entry ? "which" : "but \"\(pattern)\""
                    throw FreezeError(
                        "has the pattern \"\(entry)\", \(part) no parameter matches; expected a glob on names such as "
                            + "\"encoder.layer.0.output.dense.weight\", a module such as \"embeddings\", or a range of "
                            + "layers such as \"encoder.layer.0-3\"")
                }
                globs += own
            }
        }
        self.globs = globs
    }

    package func contains(_ name: String) -> Bool { globs.contains { $0.matches(name) } }

    /// The entry once for each number of its range; itself without one.
    private static func layers(of entry: String) throws -> [String] {
        let parts = entry.split(separator: ".", omittingEmptySubsequences: false)
        guard
            let place = parts.firstIndex(where: { $0.wholeMatch(of: /[0-9]{1,6}-[0-9]{1,6}/) != nil })
        else { return [entry] }
        let bounds = parts[place].split(separator: "-").compactMap { Int($0) }
        guard bounds[0] <= bounds[1] else {
            throw FreezeError(
                "has the pattern \"\(entry)\", whose range ends before it starts; expected one such as "
                    + "\"encoder.layer.0-3\"")
        }
        return (bounds[0]...bounds[1]).map { number in
            var parts = parts
            parts[place] = "\(number)"
            return parts.joined(separator: ".")
        }
    }
}

/// What is wrong with an entry of `freeze`, for an error that names the field or option.
package struct FreezeError: Error {
    package let problem: String

    init(_ problem: String) { self.problem = problem }
}
