import Foundation
import GraphIR

extension Evaluation {
    func normalisation(_ op: Op.Normalisation) -> [[Double]] {
        switch op {
        case .softmax: [softmax()]
        case .softmaxGradient: [softmaxGradient()]
        case .norm(let norm, let epsilon): self.norm(norm, epsilon: epsilon)
        case .normGradient(let norm): normGradient(norm)
        case .rowStatistics(let norm, let epsilon): rowStatistics(norm, epsilon: epsilon)
        case .normalize(let norm): [normalize(norm)]
        }
    }

    /// Softmax over the last axis, over the columns before each row's limit; operands (x) or (x, limits).
    private func softmax() -> [Double] {
        let x = operands[0]
        let columns = x.shape[x.shape.count - 1]
        var y = Array(repeating: 0.0, count: x.values.count)
        guard columns > 0 else { return y }
        let rows = x.values.count / columns
        for row in 0..<rows {
            var limit = columns
            if operands.count == 2 {
                // A limit covers all the rows of the axes behind its own.
                let limits = operands[1].values
                let own = ElementType.saturatingInt(limits[row / (rows / limits.count)])
                limit = Swift.max(0, Swift.min(columns, own))
            }
            let range = row * columns..<row * columns + limit
            let maximum = x.values[range].reduce(-Double.infinity, Scalar.max)
            let sum = x.values[range].reduce(0) { $0 + exp($1 - maximum) }
            for index in range { y[index] = exp(x.values[index] - maximum) / sum }
        }
        return y
    }

    /// dx = y (dy - Σ dy y); operands (dy, y).
    private func softmaxGradient() -> [Double] {
        let (dy, y) = (operands[0].values, operands[1].values)
        let columns = operands[0].shape[operands[0].shape.count - 1]
        return dy.indices.map { index in
            let start = index / columns * columns
            let dot = (start..<start + columns).reduce(0) { $0 + dy[$1] * y[$1] }
            return y[index] * (dy[index] - dot)
        }
    }

    /// Results (y, mean, rstd); operands (x, gamma, beta). An RMSNorm has neither mean nor beta.
    private func norm(_ norm: Op.Norm, epsilon: Double) -> [[Double]] {
        let statistics = rowStatistics(norm, epsilon: epsilon)
        let factors = operands.dropFirst().map(\.values)
        return [normalized(operands[0].values, statistics, factors)] + statistics
    }

    /// Results (mean, rstd), or (rstd); operands (x).
    private func rowStatistics(_ norm: Op.Norm, epsilon: Double) -> [[Double]] {
        let x = operands[0]
        let columns = x.shape[x.shape.count - 1]
        var (means, rstds): ([Double], [Double]) = ([], [])
        for row in 0..<x.shape.dropLast().reduce(1, *) {
            let values = x.values[row * columns..<(row + 1) * columns]
            let mean = norm.isCentred ? values.reduce(0, +) / Double(columns) : 0
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
            means.append(mean)
            rstds.append(1 / (variance + epsilon).squareRoot())
        }
        return norm.isCentred ? [means, rstds] : [rstds]
    }

    /// Operands (x, mean, rstd, gamma, beta), or (x, rstd, gamma).
    private func normalize(_ norm: Op.Norm) -> [Double] {
        let rest = operands.dropFirst().map(\.values)
        let count = norm.isCentred ? 2 : 1
        return normalized(operands[0].values, Array(rest.prefix(count)), Array(rest.dropFirst(count)))
    }

    /// - Parameters:
    ///   - statistics: (mean, rstd), or (rstd).
    ///   - factors: (gamma, beta), or (gamma).
    private func normalized(_ x: [Double], _ statistics: [[Double]], _ factors: [[Double]]) -> [Double] {
        let (rstd, gamma) = (statistics[statistics.count - 1], factors[0])
        return x.enumerated().map { index, value in
            let (row, column) = index.quotientAndRemainder(dividingBy: gamma.count)
            let mean = statistics.count > 1 ? statistics[0][row] : 0
            let beta = factors.count > 1 ? factors[1][column] : 0
            return (value - mean) * rstd[row] * gamma[column] + beta
        }
    }

    /// Results (dx, dgamma, dbeta); operands (dy, x, gamma, mean, rstd). With x̂ = (x - mean) rstd and
    /// g = dy gamma: dx = rstd (g - mean(g) - x̂ mean(g x̂)), dgamma = Σ dy x̂ and dbeta = Σ dy over the rows. An RMSNorm
    /// has neither the mean of x, nor that of g, nor dbeta.
    private func normGradient(_ norm: Op.Norm) -> [[Double]] {
        let (dy, x, gamma) = (operands[0].values, operands[1].values, operands[2].values)
        let columns = gamma.count
        var dx: [Double] = []
        var dgamma = Array(repeating: 0.0, count: columns)
        var dbeta = dgamma
        for (row, rstd) in operands[operands.count - 1].values.enumerated() {
            let start = row * columns
            let mean = norm.isCentred ? operands[3].values[row] : 0
            let normalised = (0..<columns).map { (x[start + $0] - mean) * rstd }
            let scaled = (0..<columns).map { dy[start + $0] * gamma[$0] }
            let scaledMean = norm.isCentred ? scaled.reduce(0, +) / Double(columns) : 0
            let product = zip(scaled, normalised).reduce(0) { $0 + $1.0 * $1.1 } / Double(columns)
            for column in 0..<columns {
                dx.append(rstd * (scaled[column] - scaledMean - normalised[column] * product))
                dgamma[column] += dy[start + column] * normalised[column]
                dbeta[column] += dy[start + column]
            }
        }
        return norm.isCentred ? [dx, dgamma, dbeta] : [dx, dgamma]
    }
}
