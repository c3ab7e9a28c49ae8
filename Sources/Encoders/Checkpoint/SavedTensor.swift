/// A tensor of a file with the parameters, or parts of them, that it holds.
struct SavedTensor {
    let name: String
    var shape: [Int]
    private var pieces: [Piece]

    /// Elements of a parameter, and the part of the tensor that they are.
    private struct Piece {
        let spec: ParameterSpec
        let elements: Range<Int>
        let slice: CheckpointMap.Slice
    }

    /// The tensors that hold the given parameters, in their order.
    static func list(
        _ parameters: [ParameterSpec], places: (String) -> [CheckpointMap.Place]
    ) -> [SavedTensor] {
        var tensors: [SavedTensor] = []
        var indices: [String: Int] = [:]
        for spec in parameters {
            for place in places(spec.name) {
                let rows = place.source.rows(of: spec.shape)
                let row = spec.shape.dropFirst().reduce(1, *)
                let piece = Piece(
                    spec: spec, elements: rows.lowerBound * row..<rows.upperBound * row, slice: place.slice)
                if let index = indices[place.name] {
                    tensors[index].shape[0] += rows.count
                    tensors[index].pieces.append(piece)
                } else {
                    indices[place.name] = tensors.count
                    let shape = spec.shape.isEmpty ? [] : [rows.count] + spec.shape.dropFirst()
                    tensors.append(SavedTensor(name: place.name, shape: shape, pieces: [piece]))
                }
            }
        }
        for index in tensors.indices { tensors[index].pieces.sort { $0.slice.index < $1.slice.index } }
        return tensors
    }

    /// Writes the values, of which `provide` hands a parameter's in one piece or several.
    func write(
        provide: (ParameterSpec, @escaping (UnsafeBufferPointer<Float>) throws -> Void) throws -> Void,
        to sink: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard pieces.allSatisfy(\.slice.isContiguous) else {
            return try gathered(provide).withUnsafeBytes { try sink($0) }
        }
        for piece in pieces {
            var position = 0
            try provide(piece.spec) { values in
                let own = piece.elements.clamped(to: position..<position + values.count)
                let part = values[(own.lowerBound - position)..<(own.upperBound - position)]
                position += values.count
                try sink(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: part)))
            }
        }
    }

    /// The values of a tensor whose parameters' rows do not lie one after another.
    private func gathered(
        _ provide: (ParameterSpec, @escaping (UnsafeBufferPointer<Float>) throws -> Void) throws -> Void
    ) throws -> [Float] {
        let row = shape.dropFirst().reduce(1, *)
        var all = [Float](repeating: 0, count: shape.reduce(1, *))
        for piece in pieces {
            var rows = piece.slice.rowIndices(of: shape).makeIterator()
            var values: [Float] = []
            try provide(piece.spec) { values += $0 }
            for start in stride(from: piece.elements.lowerBound, to: piece.elements.upperBound, by: row) {
                guard let target = rows.next(), start + row <= values.count else { break }
                for column in 0..<row { all[target * row + column] = values[start + column] }
            }
        }
        return all
    }
}
