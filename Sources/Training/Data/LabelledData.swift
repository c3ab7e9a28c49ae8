import GraphCompiler
import Support
import Text

/// What the examples of a data set should come out as, in their order.
enum Targets: Equatable, Sendable {
    case classes([Int32])
    case numbers([Float])
    /// Any number of so many classes for each example.
    case sets([[Int32]], labelCount: Int)

    /// Those of the examples at `indices`, [sequences] or [sequences, labels], as the model's input `labels`.
    func tensor(_ indices: [Int]) throws -> TensorData {
        switch self {
        case .sets(let sets, let count):
            var values = [Float](repeating: 0, count: indices.count * count)
            for (row, index) in indices.enumerated() {
                for label in sets[index] { values[row * count + Int(label)] = 1 }
            }
            return try TensorData(values, shape: [indices.count, count])
        case .classes(let ids): return TensorData(indices.map { ids[$0] })
        case .numbers(let numbers): return TensorData(indices.map { numbers[$0] })
        }
    }
}

/// A tokenised data set with its targets.
struct LabelledData: LabelledExamples {
    let path: String
    let encodings: [Encoding]
    let targets: Targets
    /// How much each example counts in training; all alike when nil.
    var weights: [Float]?

    /// What examples weigh together.
    func weight(of indices: [Int]) -> Float { indices.reduce(0) { $0 + (weights?[$1] ?? 1) } }

    var fingerprint: String {
        var fingerprint = Fingerprint(of: encodings)
        switch targets {
        case .classes(let ids): fingerprint.add(ids)
        case .sets(let sets, _):
            for set in sets { fingerprint.add([Int32(set.count)] + set) }
        case .numbers(let numbers): fingerprint.add(numbers.map { Int32(bitPattern: $0.bitPattern) })
        }
        if let weights { fingerprint.add(weights.map { Int32(bitPattern: $0.bitPattern) }) }
        return fingerprint.text
    }
}

extension Fingerprint {
    init(of encodings: [Encoding]) {
        self.init()
        for encoding in encodings {
            add(CollectionOfOne(Int32(encoding.count)))
            add(encoding.ids)
            add(encoding.typeIDs)
        }
    }
}
