import GraphIR

// In Float, step by step: these roundings are part of what the ops mean.

extension Evaluation {
    func quantization(_ op: Op.Quantization) -> [[Double]] {
        switch op {
        case .quantize: quantize()
        case .dequantize: [dequantize()]
        }
    }

    private func quantize() -> [[Double]] {
        let x = operands[0]
        let width = x.shape[x.shape.count - 1]
        let rowCount = x.shape.dropLast().reduce(1, *)
        var (values, scales): ([Double], [Double]) = ([], [])
        values.reserveCapacity(x.values.count)
        for row in 0..<rowCount {
            let numbers = x.values[(row * width)..<((row + 1) * width)].map { Float($0) }
            let greatest = numbers.reduce(Float(0)) { Float(Scalar.max(Double($0), Double($1.magnitude))) }
            let scale = Float(Scalar.max(Double(greatest * (1 / 127)), Double(Float.leastNormalMagnitude)))
            let inverse = 1 / scale
            scales.append(Double(scale))
            values += numbers.map { number in
                let rounded = (number * inverse).rounded(.toNearestOrEven)
                return rounded.isFinite ? Double(rounded) : 0
            }
        }
        return [values, scales]
    }

    private func dequantize() -> [Double] {
        let (sums, rows, columns) = (operands[0].values, operands[1].values, operands[2].values)
        return sums.enumerated().map { index, sum in
            let scaled = Float(Int(sum)) * Float(rows[index / columns.count])
            return Double(scaled * Float(columns[index % columns.count]))
        }
    }
}
