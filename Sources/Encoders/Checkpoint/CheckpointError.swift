/// A model directory whose weights cannot be used.
public enum CheckpointError: Error, CustomStringConvertible, Equatable {
    /// The directory holds no weights in a readable form.
    case noWeights(directory: String)
    /// The only weights are a PyTorch pickle, which is a program and is not run.
    case pickleOnly(directory: String)
    /// `model.safetensors.index.json` is not a valid index.
    case badIndex(file: String, problem: String)
    /// Two tensors of the checkpoint mean the same parameter.
    case ambiguous(directory: String, name: String, stored: [String])
    /// Tensors whose shape is not the model's. All of them are listed.
    case mismatchedShapes(directory: String, [ShapeMismatch])
    /// Layers that the configuration takes for shared have weights of their own. All of them are listed.
    case notShared(directory: String, sharing: LayerSharing, tensors: [String])
    /// A module's weights lack a tensor of it.
    case missing(directory: String, tensor: String)
    /// A module's weights hold tensors that it has no use for.
    case unexpected(directory: String, tensors: [String])
    /// Tensors that hold integers where the model has weights.
    case notFloating(directory: String, tensor: String, found: SafetensorsDataType)

    /// One tensor with another shape than the model's parameter.
    public struct ShapeMismatch: Sendable, Equatable {
        /// The name in the file.
        public let stored: String
        /// The model's extents.
        public let expected: [Int]
        /// The extents in the file.
        public let actual: [Int]
    }

    public var description: String {
        switch self {
        case .noWeights(let directory):
            return "\(directory): no weights, expected model.safetensors or model.safetensors.index.json"
        case .pickleOnly(let directory):
            return
                "\(directory): pytorch_model.bin is a Python pickle and is not read; convert it there with: "
                + #"python3 -c "import torch, safetensors.torch as s; w = torch.load('pytorch_model.bin', "#
                + #"weights_only=True); s.save_file({k: v.clone().contiguous() for k, v in w.items()}, "#
                + #"'model.safetensors', metadata={'format': 'pt'})""#
        case .badIndex(let file, let problem):
            return "\(file): \(problem)"
        case .ambiguous(let directory, let name, let stored):
            return
                "\(directory): the tensors \(stored.joined(separator: " and ")) both mean '\(name)', expected one"
        case .mismatchedShapes(let directory, let mismatches):
            let list = mismatches.map { "\($0.stored) is \($0.actual), expected \($0.expected)" }
            return "\(directory): \(mismatches.count) tensors do not fit the model: "
                + list.joined(separator: "; ") + "; check the sizes and labels in its config.json"
        case .notShared(let directory, let sharing, let tensors):
            return
                "\(directory): share_layers is '\(sharing)', but \(tensors.count) tensors are of layers that then have "
                + "none of their own: \(tensors.joined(separator: ", ")); the weights were trained unshared, so set "
                + "share_layers to 'none'"
        case .missing(let directory, let tensor):
            return "\(directory): its weights lack the tensor '\(tensor)', which its config.json asks for"
        case .unexpected(let directory, let tensors):
            return
                "\(directory): its weights hold tensors that its config.json has no use for: "
                + "\(tensors.joined(separator: ", ")); correct the config.json"
        case .notFloating(let directory, let tensor, let found):
            return
                "\(directory): tensor '\(tensor)' has type \(found.rawValue), expected F32, F16, BF16 or F64"
        }
    }
}
