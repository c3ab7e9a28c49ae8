import Foundation
import Support

/// One column of a `log.csv` over the steps.
struct LogCurve {
    struct Point: Equatable {
        let step: Double
        let value: Double
    }

    let name: String
    let points: [Point]

    /// Reads the rows that have a value in the column.
    ///
    /// - Throws: `CommandError` for a file that is missing, or has no such column or no values in it.
    init(path: String, column: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw CommandError(.missingInput, "\(path): no such file; expected the log.csv of a training run")
        }
        let rows = String(decoding: try readFile(path), as: UTF8.self).split(whereSeparator: \.isNewline).map
        {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        guard let header = rows.first, header.first == "step",
            let index = header.firstIndex(where: { $0 == column })
        else {
            let names = rows.first.map { $0.dropFirst().joined(separator: ", ") } ?? ""
            throw CommandError(.badData, "\(path): has no column \"\(column)\"; its columns are \(names)")
        }
        name = path
        points = rows.dropFirst().compactMap { row in
            guard row.count == header.count, let step = Double(row[0]), let value = Double(row[index]) else {
                return nil
            }
            return Point(step: step, value: value)
        }
        guard !points.isEmpty else {
            throw CommandError(.badData, "\(path): has no values in the column \"\(column)\" yet")
        }
    }
}

/// The steps and values that some curves cover.
struct CurveRange {
    let steps: ClosedRange<Double>
    let values: ClosedRange<Double>

    init(_ curves: [LogCurve]) {
        let points = curves.flatMap(\.points)
        steps = 0...(points.map(\.step).max() ?? 1)
        let (low, high) = (points.map(\.value).min() ?? 0, points.map(\.value).max() ?? 1)
        values = low < high ? low...high : (low - 0.5)...(high + 0.5)
    }

    /// Where a point is, 0 to 1 from the left and from the bottom.
    func place(_ point: LogCurve.Point) -> (x: Double, y: Double) {
        func share(_ value: Double, _ range: ClosedRange<Double>) -> Double {
            range.upperBound == range.lowerBound
                ? 0 : (value - range.lowerBound) / (range.upperBound - range.lowerBound)
        }
        return (share(point.step, steps), share(point.value, values))
    }
}
