/// Which activations a training step computes again for the backward pass rather than holding them from the forward
/// pass (gradient checkpointing: Chen et al., "Training Deep Nets with Sublinear Memory Cost", arXiv:1604.06174).
public enum Recompute: Hashable, Sendable {
    /// None.
    case none
    /// All but what crosses from one layer to the next, of every layer but the last.
    case layer
    /// All but what crosses from one group of so many layers to the next, of every group but the last; at least 1, which
    /// is `layer`. Larger groups leave more of the last layers as they are, but compute again what layers hand on within
    /// a group.
    case every(Int)
    /// The least that fits into the memory there is; `none` where no limit of memory is known.
    case auto

    /// Layers in a group; `nil` when nothing is computed again.
    var groupSize: Int? {
        switch self {
        case .none, .auto: nil
        case .layer: 1
        case .every(let count): count
        }
    }
}

extension Recompute: RawRepresentable, CustomStringConvertible {
    /// What values are written as.
    public static let legal = "none, layer, every(k) with k of at least 1, or auto"

    /// `none`, `layer`, `every(3)` or `auto`.
    public var rawValue: String {
        switch self {
        case .none: "none"
        case .layer: "layer"
        case .every(let count): "every(\(count))"
        case .auto: "auto"
        }
    }

    /// Reads one of the legal values; nil for another text.
    public init?(rawValue: String) {
        switch rawValue {
        case "none": self = .none
        case "layer": self = .layer
        case "auto": self = .auto
        default:
            guard let match = rawValue.wholeMatch(of: /every\(\s*([0-9]{1,6})\s*\)/),
                let count = Int(match.1),
                count >= 1
            else { return nil }
            self = .every(count)
        }
    }

    public var description: String { rawValue }
}
