/// A tensor of a file with the parameters, or parts of them, that it holds.
struct SavedTensor {
    let name: String
    var shape: [Int]
    var pieces: [(spec: ParameterSpec, elements: Range<Int>)]

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
                let piece = (spec, elements: rows.lowerBound * row..<rows.upperBound * row)
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
        return tensors
    }

    /// Writes the values, of which `provide` hands a parameter's in one piece or several.
    func write(
        provide: (ParameterSpec, @escaping (UnsafeBufferPointer<Float>) throws -> Void) throws -> Void,
        to sink: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws {
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
}
