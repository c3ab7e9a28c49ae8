import Foundation
import Measuring
import Support

/// The table of `bertc bench`, and what it was measured on.
struct BenchTable {
    /// Processor, instruction set and threads.
    let machine: String
    /// What was measured: the model and the data.
    let model: String
    let data: String
    var rows: [BenchRow] = []

    private static let columns = [
        "technique", "off", "on", "speed-up", "memory planned", "memory measured", "activations planned",
        "loss difference",
    ]

    /// Lines about what was measured.
    private var heading: [String] {
        ["bertc \(BertcCommand.configuration.version), \(machine)", "model: \(model)", "data: \(data)"]
    }

    var text: String {
        var table = TextTable(Self.columns)
        for row in rows { table.add(row.cells) }
        return (heading + ["", "\(table)"]).joined(separator: "\n")
    }

    var markdown: String {
        let lines = [Self.columns, Self.columns.map { _ in "---" }] + rows.map(\.cells)
        return (heading.map { "\($0)  " } + [""] + lines.map { "| " + $0.joined(separator: " | ") + " |" })
            .joined(separator: "\n")
    }

    /// What was measured on; the rows have objects of their own.
    var json: JSONValue {
        .object([
            ("version", .string(BertcCommand.configuration.version)), ("machine", .string(machine)),
            ("model", .string(model)), ("data", .string(data)),
        ])
    }
}

extension BenchRow {
    /// The columns of the table; `-` for what there is not.
    var cells: [String] {
        [
            technique.title, MeasuredUnit.seconds.text(off.seconds), MeasuredUnit.seconds.text(on.seconds),
            Formatted.number(speedUp, digits: 2), memory(\.planned), memory(\.measured),
            memory(\.activations),
            lossDifference.map { String(format: "%+.2g", $0) } ?? "-",
        ]
    }

    /// `1.2 GB to 690.1 MB, 42 %`: without, with, and how much less that is.
    private func memory(_ bytes: KeyPath<Side, Int>) -> String {
        "\(Formatted.bytes(off[keyPath: bytes])) to \(Formatted.bytes(on[keyPath: bytes])), "
            + "\(Formatted.number(reduction(bytes) * 100, digits: 0)) %"
    }

    var json: JSONValue {
        .object([
            ("technique", .string(technique.name)), ("title", .string(technique.title)),
            ("speed_up", .double(speedUp)),
            ("planned_memory_reduction", .double(reduction(\.planned))),
            ("measured_memory_reduction", .double(reduction(\.measured))),
            ("activations_reduction", .double(reduction(\.activations))),
            ("loss_difference", lossDifference.map(JSONValue.double) ?? .null), ("off", off.json),
            ("on", on.json),
        ])
    }
}

extension BenchRow.Side {
    fileprivate var json: JSONValue {
        .object([
            (
                "seconds",
                .object([
                    ("median", .double(seconds.median)), ("least", .double(seconds.least)),
                    ("most", .double(seconds.most)),
                    ("samples", .array(seconds.values.map(JSONValue.double))),
                ])
            ),
            ("tokens_per_second", .double(Double(realTokens) / seconds.median)),
            ("real_tokens", .integer(realTokens)), ("padded_tokens", .integer(paddedTokens)),
            ("loss", loss.map(JSONValue.double) ?? .null), ("planned_bytes", .integer(planned)),
            ("activation_bytes", .integer(activations)), ("measured_bytes", .integer(measured)),
        ])
    }
}
