import Foundation

/// exp(xᵢ - max) / Σ exp(xⱼ - max), in Double.
package func softmax(_ row: [some BinaryFloatingPoint]) -> [Double] {
    let top = Double(row.max() ?? 0)
    let exponentials = row.map { exp(Double($0) - top) }
    let sum = exponentials.reduce(0, +)
    return exponentials.map { $0 / sum }
}

/// 1 / (1 + e⁻ˣ), in Double.
func sigmoid(_ x: Float) -> Double { 1 / (1 + exp(-Double(x))) }
