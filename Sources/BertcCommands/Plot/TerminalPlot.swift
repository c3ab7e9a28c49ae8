import Support

/// Curves in characters, each with a mark of its own.
struct TerminalPlot {
    let title: String
    let curves: [LogCurve]
    var columns = 64
    var rows = 16

    static let marks: [Character] = ["*", "o", "+", "x", "#", "@"]

    /// Lines without an end of line.
    var lines: [String] {
        let range = CurveRange(curves)
        var grid = Array(repeating: Array(repeating: Character(" "), count: columns), count: rows)
        for (curve, mark) in zip(curves, Self.marks).reversed() {
            for point in curve.points {
                let (x, y) = range.place(point)
                let row = rows - 1 - Int((y * Double(rows - 1)).rounded())
                grid[row][Int((x * Double(columns - 1)).rounded())] = mark
            }
        }
        let labels = [
            0: Formatted.number(range.values.upperBound, digits: 3),
            rows - 1: Formatted.number(range.values.lowerBound, digits: 3),
        ]
        let margin = labels.values.map(\.count).max() ?? 0
        var lines = [title]
        for (index, row) in grid.enumerated() {
            let label = labels[index] ?? ""
            lines.append(String(repeating: " ", count: margin - label.count) + label + " |" + String(row))
        }
        let last = Formatted.number(range.steps.upperBound, digits: 0)
        let gap = String(repeating: " ", count: max(1, columns - 1 - last.count))
        lines.append(String(repeating: " ", count: margin + 1) + "+" + String(repeating: "-", count: columns))
        lines.append(String(repeating: " ", count: margin + 2) + "0" + gap + last + " steps")
        if curves.count > 1 {
            for (curve, mark) in zip(curves, Self.marks) {
                let end = Formatted.number(curve.points[curve.points.count - 1].value, digits: 4)
                lines.append("\(mark) \(curve.name): \(end)")
            }
        }
        return lines
    }
}
