import Encoders
import Foundation
import GraphCompiler
import Support
import Text

/// The weights that products of a model read, with what their activations are on some sequences.
struct Calibration {
    /// A weight, `[outputs, inputs]`.
    struct Weight {
        let name: String
        let rows: Int
        let columns: Int
        /// Row-major.
        let values: [Float]
    }

    /// Weights that read one activation.
    struct Group {
        let weights: [Weight]
        /// The greatest |x| of each column.
        let greatest: [Float]
        /// Some rows of the activation.
        let rows: [[Float]]
    }

    /// In the order of the graph.
    let groups: [Group]

    /// Rows by which errors are told.
    private static let sampleCount = 32

    /// Runs the model in f32.
    init(_ pipeline: EncoderPipeline, encodings: [Encoding]) throws {
        var graph = pipeline.headGraph
        let found = QuantizedWeight.groups(in: graph).filter { group in
            group.weights.allSatisfy { !$0.isTransposed }
        }
        let names = found.indices.map { "activation.\($0)" }
        for (name, group) in zip(names, found) { graph.addOutput(name, group.activation) }
        let tensors = try pipeline.run(graph, on: encodings, returning: names)
        groups = try zip(names, found).map { name, group in
            let weights = try group.weights.map { weight in
                let values = try pipeline.parameters.get(weight.name)?.floats ?? []
                let columns = weight.columnCount
                return Weight(
                    name: weight.name, rows: values.count / columns, columns: columns, values: values)
            }
            let columns = weights[0].columns
            let x = try tensors[name]?.floats ?? []
            var greatest = [Float](repeating: 0, count: columns)
            for (index, value) in x.enumerated() {
                greatest[index % columns] = max(greatest[index % columns], value.magnitude)
            }
            let rowCount = x.count / columns
            let step = max(1, rowCount / Self.sampleCount)
            let rows = stride(from: 0, to: rowCount, by: step).prefix(Self.sampleCount).map { row in
                Array(x[row * columns..<(row + 1) * columns])
            }
            return Group(weights: weights, greatest: greatest, rows: rows)
        }
    }
}

extension Calibration.Group {
    /// Factors for the columns of the activation, which the columns of the weights are divided by: 1/s with
    /// s = max |x|^α / max |w|^(1-α) (Xiao et al., "SmoothQuant", arXiv:2211.10438, equation 4).
    func factors(for weights: [Calibration.Weight], alpha: Float) -> [Float] {
        greatest.indices.map { column in
            var weight: Float = 0
            for own in weights {
                for row in 0..<own.rows {
                    weight = max(weight, own.values[row * own.columns + column].magnitude)
                }
            }
            guard greatest[column] > 0, weight > 0 else { return 1 }
            let logarithm = (1 - alpha) * log2(weight) - alpha * log2(greatest[column])
            return exp2(min(max(logarithm, -20), 20))
        }
    }
}

extension QuantizedValues {
    /// A weight divided by the factors of its columns, and quantised as `Op.quantize` does.
    init(_ weight: Calibration.Weight, smoothing factors: [Float]) {
        var numbers = [UInt8](repeating: 0, count: weight.values.count)
        var scales: [Float] = []
        for row in 0..<weight.rows {
            let start = row * weight.columns
            let smooth = (0..<weight.columns).map { weight.values[start + $0] / factors[$0] }
            let (own, scale) = Self.quantized(smooth)
            for (column, number) in own.enumerated() { numbers[start + column] = UInt8(bitPattern: number) }
            scales.append(scale)
        }
        self.init(
            name: weight.name, shape: [weight.rows, weight.columns], numbers: numbers, scales: scales,
            smoothing: factors)
    }

    /// A row as i8, and its scale.
    private static func quantized(_ row: [Float]) -> (numbers: [Int8], scale: Float) {
        let greatest = row.reduce(Float(0)) { max($0, $1.magnitude) }
        let scale = max(greatest * (1 / 127), .leastNormalMagnitude)
        let inverse = 1 / scale
        return (row.map { Int8(($0 * inverse).rounded(.toNearestOrEven)) }, scale)
    }

    /// The error of products of quantised rows with the quantised weight: the root of its mean square over that of the product.
    func error(of values: [Float], on rows: [[Float]]) -> Double {
        let columns = shape[1]
        var (errors, products) = (0.0, 0.0)
        for row in rows {
            let (x, scale) = Self.quantized(zip(row, smoothing ?? []).map { $0 * $1 })
            for output in 0..<shape[0] {
                let start = output * columns
                var (sum, exact): (Int32, Float) = (0, 0)
                for column in 0..<columns {
                    sum &+= Int32(x[column]) &* Int32(Int8(bitPattern: numbers[start + column]))
                    exact += row[column] * values[start + column]
                }
                let difference = Double(Float(sum) * scale * scales[output] - exact)
                errors += difference * difference
                products += Double(exact) * Double(exact)
            }
        }
        return products > 0 ? (errors / products).squareRoot() : 0
    }
}
