import Foundation
import Support

/// A weight in the files of a checkpoint as i8: `[rows, columns]` numbers with a scale a row and a factor
/// a column, by which the activation is multiplied before it is quantised (`Op.Quantization`). The weight is about
/// number · scale · factor.
///
/// Its tensors have the parameter's canonical name with a suffix of `Part`.
package struct QuantizedTensor: Sendable {
    /// What a tensor holds, by the end of its name.
    package enum Part: String, CaseIterable, Sendable {
        case numbers = ".int8"
        case scales = ".int8_scale"
        case smoothing = ".int8_smoothing"

        /// The part that a stored name is of, and the parameter's name.
        static func of(_ stored: String) -> (part: Part, name: String)? {
            allCases.first { stored.hasSuffix($0.rawValue) }.map {
                ($0, String(stored.dropLast($0.rawValue.count)))
            }
        }
    }

    /// `[rows, columns]`
    package let shape: [Int]
    private let file: SafetensorsFile
    private let name: String

    /// The quantised weights of files, by canonical names.
    /// - Throws: `SafetensorsError.badTensor` for one without its scales, or of another type or shape.
    static func all(in files: [SafetensorsFile]) throws -> [TextKey: QuantizedTensor] {
        var tensors: [TextKey: QuantizedTensor] = [:]
        for file in files {
            for entry in file.entries {
                guard let (part, name) = Part.of(entry.name) else { continue }
                if part == .numbers {
                    tensors[TextKey(name)] = try QuantizedTensor(name, entry, file)
                } else if file.entry(named: name + Part.numbers.rawValue) == nil {
                    throw SafetensorsError.badTensor(
                        file: file.path, tensor: entry.name,
                        reason: "belongs to \(name)\(Part.numbers.rawValue), which is not there")
                }
            }
        }
        return tensors
    }

    private init(_ name: String, _ entry: SafetensorsEntry, _ file: SafetensorsFile) throws {
        func bad(_ tensor: String, _ reason: String) -> SafetensorsError {
            .badTensor(file: file.path, tensor: tensor, reason: reason)
        }
        guard entry.dataType == .i8, entry.shape.count == 2 else {
            throw bad(entry.name, "is \(entry.dataType.rawValue) \(entry.shape), expected I8 with two axes")
        }
        func check(_ part: Part, _ extent: Int) throws -> Bool {
            guard let found = file.entry(named: name + part.rawValue) else { return false }
            guard found.dataType == .f32, found.shape == [extent] else {
                throw bad(
                    found.name, "is \(found.dataType.rawValue) \(found.shape), expected F32 [\(extent)]")
            }
            return true
        }
        guard try check(.scales, entry.shape[0]) else {
            throw bad(entry.name, "has no scales, expected \(name)\(Part.scales.rawValue) beside it")
        }
        guard try check(.smoothing, entry.shape[1]) else {
            throw bad(entry.name, "has no factors, expected \(name)\(Part.smoothing.rawValue) beside it")
        }
        (self.name, self.file, shape) = (name, file, entry.shape)
    }

    /// The numbers, row-major.
    package func numbers() throws -> [UInt8] {
        try file.withBytes(named: name + Part.numbers.rawValue) { [UInt8]($0) }
    }

    /// A scale a row.
    /// - Throws: `SafetensorsError.badTensor` for one that is not above 0.
    package func scales() throws -> [Float] { try factors(.scales) }

    /// A factor a column.
    /// - Throws: `SafetensorsError.badTensor` for one that is not above 0.
    package func smoothing() throws -> [Float] { try factors(.smoothing) }

    private func factors(_ part: Part) throws -> [Float] {
        let factors = try file.finiteFloats(named: name + part.rawValue)
        guard let wrong = factors.first(where: { $0 <= 0 }) else { return factors }
        throw SafetensorsError.badTensor(
            file: file.path, tensor: name + part.rawValue, reason: "holds \(wrong), expected numbers above 0")
    }

    /// Writes the weight as f32.
    /// - Precondition: `target` has room for just that.
    func copyFloats(into target: UnsafeMutableBufferPointer<Float>) throws {
        let (numbers, scales, factors) = (try numbers(), try scales(), try smoothing())
        for row in 0..<shape[0] {
            for column in 0..<shape[1] {
                let index = row * shape[1] + column
                target[index] =
                    Float(Int8(bitPattern: numbers[index])) * scales[row] * factors[column]
            }
        }
    }
}

/// A weight to be saved as i8.
package struct QuantizedValues {
    /// Canonical.
    package let name: String
    /// `[rows, columns]`
    package let shape: [Int]
    /// Row-major.
    package let numbers: [UInt8]
    /// A scale a row.
    package let scales: [Float]
    /// A factor a column.
    package let smoothing: [Float]?

    package init(name: String, shape: [Int], numbers: [UInt8], scales: [Float], smoothing: [Float]?) {
        (self.name, self.shape, self.numbers) = (name, shape, numbers)
        (self.scales, self.smoothing) = (scales, smoothing)
    }

    /// The tensors of a file, with their bytes.
    var tensors: [(entry: SafetensorsEntry, bytes: [UInt8])] {
        func tensor(
            _ part: QuantizedTensor.Part, _ type: SafetensorsDataType, _ shape: [Int], _ bytes: [UInt8]
        ) -> (entry: SafetensorsEntry, bytes: [UInt8]) {
            (SafetensorsEntry(name: name + part.rawValue, dataType: type, shape: shape), bytes)
        }
        func bytes(_ floats: [Float]) -> [UInt8] { floats.withUnsafeBytes { [UInt8]($0) } }
        return [
            tensor(.numbers, .i8, shape, numbers), tensor(.scales, .f32, [shape[0]], bytes(scales)),
        ] + (smoothing.map { [tensor(.smoothing, .f32, [shape[1]], bytes($0))] } ?? [])
    }
}
