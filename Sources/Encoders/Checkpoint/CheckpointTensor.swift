import Foundation
import Support

/// A parameter's values in the files of a checkpoint: a tensor, a part of one, or several tensors one after another.
struct CheckpointTensor {
    /// A tensor of a file, of which the parameter has the part `slice`.
    struct Part {
        let file: SafetensorsFile
        let entry: SafetensorsEntry
        let slice: CheckpointMap.Slice

        var rows: Range<Int> { slice.rows(of: entry.shape) }
    }

    private var parts: [Part?]

    /// - Parameter count: how many tensors hold the values.
    init(count: Int) { parts = Array(repeating: nil, count: count) }

    /// Puts a part in its place.
    /// - Returns: the name of the tensor that has the place already.
    mutating func add(_ part: Part, at index: Int) -> String? {
        guard index < parts.count, parts[index] == nil else { return entries.first?.name ?? part.entry.name }
        parts[index] = part
        return nil
    }

    /// All tensors of files by the names of parameters.
    ///
    /// - Parameter places: the parameters that a tensor holds; `slice` is the part of a parameter, `source` that of the tensor.
    /// - Throws: `CheckpointError.ambiguous`.
    static func all(
        in files: [SafetensorsFile], directory: URL, places: (String) -> [CheckpointMap.Place]
    ) throws -> [TextKey: CheckpointTensor] {
        var tensors: [TextKey: CheckpointTensor] = [:]
        for file in files {
            for entry in file.entries {
                for place in places(entry.name) {
                    let part = Part(file: file, entry: entry, slice: place.source)
                    let other = tensors[
                        TextKey(place.name), default: CheckpointTensor(count: place.slice.count)
                    ]
                    .add(part, at: place.slice.index)
                    if let other {
                        throw CheckpointError.ambiguous(
                            directory: directory.path, name: place.name, stored: [other, entry.name].sorted())
                    }
                }
            }
        }
        return tensors
    }

    /// Whether no part is missing.
    var isWhole: Bool { parts.allSatisfy { $0 != nil } }

    private var all: [Part] { parts.compactMap(\.self) }

    /// The tensors in the files.
    var entries: [SafetensorsEntry] { all.map(\.entry) }

    /// How errors call them.
    var storedName: String { entries.map(\.name).joined(separator: " + ") }

    /// Extents of the parameter.
    var shape: [Int] {
        guard let first = all.first, !first.entry.shape.isEmpty else { return [] }
        return [all.reduce(0) { $0 + $1.rows.count }] + first.entry.shape.dropFirst()
    }

    /// The values, row-major.
    /// - Throws: `SafetensorsError.notFinite` when one is NaN or infinite.
    func floats() throws -> [Float] {
        if parts.count == 1, let part = all.first, part.slice == CheckpointMap.Slice() {
            return try part.file.finiteFloats(named: part.entry.name)
        }
        var floats = [Float](repeating: 0, count: shape.reduce(1, *))
        try floats.withUnsafeMutableBufferPointer { try copyFloats(into: $0) }
        return floats
    }

    /// Writes the values into `target`.
    /// - Precondition: `target` holds exactly as many.
    /// - Throws: as `floats()`.
    func copyFloats(into target: UnsafeMutableBufferPointer<Float>) throws {
        var position = 0
        for part in all {
            let row = part.entry.shape.dropFirst().reduce(1, *)
            let count = part.entry.shape.isEmpty ? 1 : part.rows.count * row
            let own = UnsafeMutableBufferPointer(rebasing: target[position..<position + count])
            position += count
            if part.slice == CheckpointMap.Slice() {
                try part.file.copyFiniteFloats(named: part.entry.name, into: own)
            } else {
                let values = try part.file.finiteFloats(named: part.entry.name)
                for (place, source) in part.slice.rowIndices(of: part.entry.shape).enumerated() {
                    let target = UnsafeMutableBufferPointer(rebasing: own[place * row..<(place + 1) * row])
                    _ = target.update(fromContentsOf: values[source * row..<(source + 1) * row])
                }
            }
        }
    }

    /// Whether both are one whole tensor of the same type and shape with the same bytes.
    func hasSameBytes(as other: CheckpointTensor) throws -> Bool {
        guard let own = all.first, let copy = other.all.first, all.count == 1, other.all.count == 1,
            own.entry.dataType == copy.entry.dataType, own.entry.shape == copy.entry.shape,
            own.slice == CheckpointMap.Slice(), copy.slice == own.slice
        else { return false }
        return try copy.file.withBytes(named: copy.entry.name) { bytes in
            try own.file.withBytes(named: own.entry.name) { $0.elementsEqual(bytes) }
        }
    }
}

extension CheckpointMap.Slice {
    /// The rows of the slice, of a tensor whose first extent is divided equally.
    func rows(of shape: [Int]) -> Range<Int> {
        let rows = shape.first ?? 1
        return rows * index / count..<rows * (index + 1) / count
    }

    /// Where the slice's rows lie in the tensor, in their order.
    func rowIndices(of shape: [Int]) -> [Int] {
        let rows = rows(of: shape)
        guard order != CheckpointMap.RowOrder() else { return Array(rows) }
        let size = rows.count / order.heads
        return (0..<order.heads * size).map { row in
            let (head, element) = row.quotientAndRemainder(dividingBy: size)
            let (half, pair) = element.quotientAndRemainder(dividingBy: max(1, size / 2))
            return (head * count + index) * size + (order.isInterleaved ? 2 * pair + half : element)
        }
    }

    /// Whether the slice's rows lie one after another.
    var isContiguous: Bool { order == CheckpointMap.RowOrder() }
}
