import GraphCompiler

extension CompilationStatistics: CustomStringConvertible {
    /// The tables that `bertc compile` prints.
    var description: String {
        var ops = TextTable(["op", "before passes", "after"])
        for (op, count) in nodes.sorted(by: { ($1.value.before, $0.key) < ($0.value.before, $1.key) }) {
            ops.add([op, "\(count.before)", "\(count.after)"])
        }
        ops.add(["total", "\(nodeTotals.before)", "\(nodeTotals.after)"])

        var kernels = TextTable(["template", "launches", "different", "work", "share"])
        for (name, template) in sortedTemplates {
            let share = flops > 0 ? Double(template.flops) / Double(flops) * 100 : 0
            kernels.add([
                name, "\(template.launches)", "\(template.phases.count)", Formatted.flops(template.flops),
                "\(Formatted.number(share, digits: 1)) %",
            ])
        }

        var weights = TextTable(["parameters", "tensors", "elements", "memory"])
        for (role, parameters) in sortedParameters {
            weights.add([
                role.rawValue, "\(parameters.tensors)", "\(parameters.elements)",
                Formatted.bytes(parameters.bytes),
            ])
        }

        let peak = arena.peakNode.map { ", most of it at \($0)" } ?? ""
        return """
            \(ops)

            \(kernels)

            \(weights)

            \(kernelCount) different kernels in \(launchCount) launches, for \(instructionSet), compiled in \
            \(Formatted.number(seconds, digits: 2)) s
            \(shape.isEmpty ? "one run" : "with \(shape)"): \(Formatted.flops(flops)), arena \
            \(Formatted.bytes(arena.byteCount))\(peak)
            """
    }

    /// The same as one JSON object.
    var json: JSONText {
        let ops = nodes.sorted { $0.key < $1.key }.map { op, count in
            (op, JSONText.object([("before", .integer(count.before)), ("after", .integer(count.after))]))
        }
        let kernels = sortedTemplates.map { name, template in
            JSONText.object([
                ("template", .string(name)), ("launches", .integer(template.launches)),
                ("different", .integer(template.phases.count)), ("flops", .integer(template.flops)),
            ])
        }
        let weights = sortedParameters.map { role, parameters in
            (
                role.rawValue,
                JSONText.object([
                    ("tensors", .integer(parameters.tensors)), ("elements", .integer(parameters.elements)),
                    ("bytes", .integer(parameters.bytes)),
                ])
            )
        }
        let values = symbols.sorted { $0.key < $1.key }.map { ($0.key, JSONText.integer($0.value)) }
        return .object([
            ("graph", .string(name)), ("instruction_set", .string(instructionSet)),
            ("seconds", .double(seconds)),
            (
                "nodes",
                .object([("before", .integer(nodeTotals.before)), ("after", .integer(nodeTotals.after))])
            ),
            ("ops", .object(ops)), ("kernels", .integer(kernelCount)), ("launches", .integer(launchCount)),
            ("templates", .array(kernels)), ("parameters", .object(weights)), ("symbols", .object(values)),
            ("flops", .integer(flops)), ("arena_bytes", .integer(arena.byteCount)),
            ("arena_peak", arena.peakNode.map(JSONText.string) ?? .null),
        ])
    }

    private var sortedTemplates: [(String, Template)] {
        templates.sorted { ($1.value.flops, $0.key) < ($0.value.flops, $1.key) }.map { ($0.key, $0.value) }
    }

    private var sortedParameters: [(ParameterRole, Parameters)] {
        ParameterRole.allCases.compactMap { role in parameters[role].map { (role, $0) } }
    }
}
