import GraphIR

/// Products of matrices.
enum Products {
    static let rules: [String: OperatorRule] = [
        "MatMul": { site in
            let (a, b) = (try site.input(0), try site.input(1))
            return [site.wrapped(a.element, try product(site, a.tensor, b.tensor))]
        },
        "Gemm": gemm, "MatMulInteger": matMulInteger, "Einsum": einsum, "Det": determinant,
    ]

    /// NumPy's product: vectors are rows and columns, leading axes broadcast. The result has the operands' element type.
    static func product(_ site: NodeSite, _ a: Tensor, _ b: Tensor) throws -> Tensor {
        guard !a.shape.isEmpty, !b.shape.isEmpty else {
            throw ONNXError.invalid("multiplies scalars as matrices")
        }
        let left = a.shape.count == 1 ? a.reshaped([1] + a.shape) : a
        let right = b.shape.count == 1 ? b.reshaped(b.shape + [1]) : b
        let product = try matrices(site, left, right)
        var shape = product.shape
        if b.shape.count == 1 { shape.removeLast() }
        if a.shape.count == 1 { shape.remove(at: shape.count - (b.shape.count == 1 ? 1 : 2)) }
        return product.reshaped(shape)
    }

    private static func matrices(_ site: NodeSite, _ a: Tensor, _ b: Tensor) throws -> Tensor {
        let element = a.type.element
        guard element.isFloat else {
            // Integers: [..., m, k, 1] times [..., 1, k, n], added up.
            let wide = a.reshaped(a.shape + [1]) * b.reshaped(b.shape.dropLast(2) + [1] + b.shape.suffix(2))
            return wide.sum(axes: [wide.shape.count - 2])
        }
        if b.shape.count == 2 { return a.matmul(b).cast(element) }
        let lead = try Shapes.broadcast(Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)))
        let left = a.broadcast(to: lead + a.shape.suffix(2))
        let right = b.broadcast(to: lead + b.shape.suffix(2))
        return left.matmul(right).cast(element)
    }

    private static let gemm: OperatorRule = { site in
        let (a, b) = (try site.input(0), try site.input(1))
        guard a.rank == 2, b.rank == 2 else {
            throw ONNXError.invalid("takes matrices, got \(a.rank) and \(b.rank) axes")
        }
        let (alpha, beta) = (try site.float("alpha", 1), try site.float("beta", 1))
        let element = a.tensor.type.element
        var result: Tensor
        if element.isFloat {
            result = a.tensor.matmul(
                b.tensor, transposeLeft: try site.flag("transA"), transposeRight: try site.flag("transB"))
        } else {
            result = try product(
                site, try site.flag("transA") ? a.tensor.transposed([1, 0]) : a.tensor,
                try site.flag("transB") ? b.tensor.transposed([1, 0]) : b.tensor)
        }
        if alpha != 1 { result = result * alpha }
        if let c = site.optional(2), beta != 0 {
            let bias = c.tensor.cast(result.type.element)
            result = result + (beta == 1 ? bias : bias * beta)
        }
        return [site.wrapped(a.element, result.cast(element))]
    }

    /// Integers less their zero points, one for all or one a row of A, one a column of B.
    private static let matMulInteger: OperatorRule = { site in
        var (a, b) = (try site.tensor(0).cast(.i32), try site.tensor(1).cast(.i32))
        if let zero = site.optional(2)?.tensor.cast(.i32) {
            a = a - (zero.shape.count == 1 && zero.shape[0] != 1 ? zero.reshaped(zero.shape + [1]) : zero)
        }
        if let zero = site.optional(3)?.tensor.cast(.i32) { b = b - zero }
        return [site.value(.int32, try product(site, a, b))]
    }

    /// Sums of products by letters of the axes. Each operand gets all letters, those that it has not with extent 1.
    private static let einsum: OperatorRule = { site in
        let equation = try site.string("equation").filter { $0 != " " }
        let operands = try site.all()
        let sides = equation.components(separatedBy: "->")
        let terms = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard terms.count == operands.count, sides.count <= 2, operands[0].element.carrier != .bool else {
            throw ONNXError.invalid("the equation \"\(equation)\" does not suit \(operands.count) operands")
        }
        // The axes of an ellipsis are the letters 0, 1, … counted from the last.
        func letters(_ term: String, rank: Int?) throws -> [Character] {
            guard term.contains("...") else { return Array(term) }
            let named = term.count - 3
            let count = (rank ?? 0) - named
            guard (0...8).contains(count) else {
                throw ONNXError.invalid("\"\(term)\" does not suit its operand")
            }
            let digits = (0..<count).reversed().map { Character("\($0)") }
            let parts = term.components(separatedBy: "...")
            return Array(parts[0]) + digits + Array(parts[1])
        }
        let named = try zip(terms, operands).map { try letters($0, rank: $1.rank) }
        guard zip(named, operands).allSatisfy({ $0.count == $1.rank }) else {
            throw ONNXError.invalid("the equation \"\(equation)\" does not suit its operands")
        }
        let extra = named.map { $0.filter(\.isNumber).count }.max() ?? 0
        let digits = (0..<extra).reversed().map { Character("\($0)") }
        let result: [Character]
        if sides.count == 2 {
            result = try letters(sides[1], rank: sides[1].count - 3 + extra)
        } else {
            let all = named.joined()
            result =
                digits
                + Set(all).filter { letter in !letter.isNumber && all.count { $0 == letter } == 1 }.sorted()
        }
        let summed = Set(named.joined()).subtracting(result).sorted()
        let order = result + summed
        guard result.allSatisfy({ letter in named.contains { $0.contains(letter) } }) else {
            throw ONNXError.invalid("the equation \"\(equation)\" has a result that no operand gives")
        }
        var product: Tensor?
        for (value, own) in zip(operands, named) {
            let spread = try aligned(site, value.tensor, own, order)
            product = product.map { $0 * spread } ?? spread
        }
        guard let product else { throw ONNXError.invalid("has no operands") }
        let axes = Array(result.count..<order.count)
        return [site.value(operands[0].element, axes.isEmpty ? product : product.sum(axes: axes))]
    }

    /// A tensor with an axis for each letter of `order`, its own letters, of which a repeated one is a diagonal, in their places.
    private static func aligned(_ site: NodeSite, _ x: Tensor, _ own: [Character], _ order: [Character])
        throws -> Tensor
    {
        var (x, own) = (x, own)
        while let letter = own.first(where: { letter in own.count { $0 == letter } > 1 }) {
            let (first, last) = (own.firstIndex(of: letter) ?? 0, own.lastIndex(of: letter) ?? 0)
            let places = site.g.iota(.i32, x.shape, axis: first)
            let isDiagonal = site.g.compare(.eq, places, site.g.iota(.i32, x.shape, axis: last))
            x = site.g.select(isDiagonal, x, x.number(0)).sum(axes: [last])
            own.remove(at: last)
        }
        let present = order.filter(own.contains)
        let moved = x.transposed(present.compactMap { own.firstIndex(of: $0) })
        let shape = order.map { letter -> Dimension in
            present.firstIndex(of: letter).map { moved.shape[$0] } ?? 1
        }
        return moved.reshaped(shape)
    }

    /// By elimination without pivots within small matrices... as the sum over permutations.
    private static let determinant: OperatorRule = { site in
        let x = try site.input(0)
        guard x.rank >= 2, let n = x.shape[x.rank - 1].fixedExtent,
            x.shape[x.rank - 2] == x.shape[x.rank - 1], n <= 5
        else {
            throw ONNXError.unsupported("takes square matrices of at most 5 rows")
        }
        func element(_ row: Int, _ column: Int) -> Tensor {
            x.tensor.slice(axis: x.rank - 2, start: row, size: 1).slice(
                axis: x.rank - 1, start: column, size: 1)
        }
        // Laplace's expansion along the first row.
        func minor(_ row: Int, _ columns: [Int]) -> Tensor {
            guard columns.count > 1 else { return element(row, columns[0]) }
            var sum: Tensor?
            for (place, column) in columns.enumerated() {
                let part = element(row, column) * minor(row + 1, columns.filter { $0 != column })
                sum = place == 0 ? part : place % 2 == 0 ? sum.map { $0 + part } : sum.map { $0 - part }
            }
            return sum ?? element(row, columns[0])
        }
        guard n > 0 else {
            return [
                site.value(
                    x.element,
                    site.g.constant(1, TensorType(x.tensor.type.element, Array(x.shape.dropLast(2)))))
            ]
        }
        return [site.value(x.element, minor(0, Array(0..<n)).reshaped(Array(x.shape.dropLast(2))))]
    }
}

extension String {
    /// The parts between occurrences of a separator.
    fileprivate func components(separatedBy separator: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
