/// Which parameters the layers of the encoder share (ALBERT: Lan et al., arXiv:1909.11942). Shared ones have the name
/// that they have in the first layer that reads them, and exist once: in the graph, the optimiser and on disk.
public enum LayerSharing: Hashable, Sendable {
    /// Every layer has its own.
    case none
    /// All layers share all.
    case all
    /// So many groups of consecutive layers, 1 to the number of layers; the layers of a group share all.
    case groups(Int)
    /// All layers share their attention, with its LayerNorm; each has its own feed-forward part.
    case attention
    /// All layers share their feed-forward part, with its LayerNorm; each has its own attention.
    case feedForward

    /// A half of a layer.
    enum Part { case attention, feedForward }

    /// The layer by whose name a part's parameters are called. Of n groups of L layers, layer i is in group ⌊i n / L⌋, as
    /// in Hugging Face's ALBERT.
    func owner(of part: Part, in layer: Int, of layers: Int) -> Int {
        switch self {
        case .none: layer
        case .all: 0
        case .groups(let count): (layer * count / layers * layers + count - 1) / count
        case .attention: part == .attention ? 0 : layer
        case .feedForward: part == .feedForward ? 0 : layer
        }
    }
}

extension LayerSharing: RawRepresentable, CustomStringConvertible {
    /// What values are written as.
    public static let legal = "none, all, groups(n), attention or ffn"

    /// `none`, `all`, `groups(2)`, `attention` or `ffn`.
    public var rawValue: String {
        switch self {
        case .none: "none"
        case .all: "all"
        case .groups(let count): "groups(\(count))"
        case .attention: "attention"
        case .feedForward: "ffn"
        }
    }

    /// Reads one of the legal values; nil for another text.
    public init?(rawValue: String) {
        switch rawValue {
        case "none": self = .none
        case "all": self = .all
        case "attention": self = .attention
        case "ffn": self = .feedForward
        default:
            guard let match = rawValue.wholeMatch(of: /groups\(\s*([0-9]{1,6})\s*\)/),
                let count = Int(match.1),
                count >= 1
            else { return nil }
            self = .groups(count)
        }
    }

    public var description: String { rawValue }
}
