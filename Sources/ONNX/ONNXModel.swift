import GraphIR
import Support

/// How an ONNX file is read.
public struct ONNXOptions {
    /// Values of inputs that are known when the graph is compiled, by name: those that shapes and axes are computed from. Such an
    /// input is no input of the graph.
    public var constants: [String: KnownTensor]
    /// Shapes of inputs that the file gives none, by name.
    public var shapes: [String: [Int]]
    /// Whether `shapes` also stand for the symbols of inputs' shapes, so that the graph suits these alone.
    public var fixesShapes: Bool

    /// No constants, and the shapes of the file.
    public init(
        constants: [String: KnownTensor] = [:], shapes: [String: [Int]] = [:], fixesShapes: Bool = false
    ) {
        (self.constants, self.shapes, self.fixesShapes) = (constants, shapes, fixesShapes)
    }
}

/// An input or output of an ONNX model.
public struct ONNXSignature: Hashable, Sendable {
    /// Its name in the file and in the graph.
    public let name: String
    /// The element type that the file gives it; the graph holds `element.carrier`.
    public let element: ONNXElement
    /// Its extents, with a symbol for each that the file leaves open.
    public let shape: [Dimension]
}

/// An ONNX model as a graph of this compiler, with its weights left in the file.
///
/// ```swift
/// let model = try ONNXModel(contentsOf: "model.onnx")
/// let compiled = try GraphCompiler.compile(model.graph)
/// try model.forEachParameter { parameter, bytes in … }
/// ```
public struct ONNXModel {
    /// The forward graph: inputs and outputs by the file's names, weights as parameters.
    public let graph: Graph
    /// What a run needs, in the order of the file.
    public let inputs: [ONNXSignature]
    /// What a run gives, in the order of the file.
    public let outputs: [ONNXSignature]
    /// What is computed otherwise than the file says, such as `double` in f32; a line each.
    public let notes: [String]
    private let stored: [(name: String, stored: StoredTensor)]

    /// Reads a model and maps its weights.
    ///
    /// - Parameters:
    ///   - path: the file; data in files of their own must be in its directory.
    ///   - options: see `ONNXOptions`.
    /// - Throws: `ONNXError` for a file that is damaged, and for what the compiler does not support, with the node;
    ///   `FileError` for a file that can't be read.
    public init(contentsOf path: String, _ options: ONNXOptions = ONNXOptions()) throws {
        do {
            let mapping = try MappedFile(path: path)
            let model = try Self.read(mapping, path)
            let name = path.split(separator: "/").last.map(String.init) ?? "model"
            let importer = Importer(model, mapping, path: path, options, name: name)
            try importer.run()
            do {
                graph = try importer.g.finish()
            } catch {
                throw ONNXError(.unsupported, error.message, at: error.place)
            }
            (inputs, outputs, notes) = (importer.inputs, importer.outputs, importer.notes)
            stored = importer.parameters
        } catch var error as ONNXError {
            error.file = path
            throw error
        }
    }

    /// The names and element types of a model's inputs, whether or not the rest of it is supported; a type is `nil` where the
    /// input is no tensor of a known type.
    ///
    /// - Throws: as `init` for a file that is damaged.
    public static func inputs(of path: String) throws -> [(name: String, element: ONNXElement?)] {
        let model = try read(try MappedFile(path: path), path)
        let initialized = Set(model.graph?.initializers.map(\.name) ?? [])
        return (model.graph?.inputs ?? []).filter { !initialized.contains($0.name) }.map {
            ($0.name, $0.element.flatMap(ONNXElement.init))
        }
    }

    private static func read(_ mapping: MappedFile, _ path: String) throws -> ModelProto {
        do {
            return try ModelProto(mapping.bytes[...])
        } catch {
            throw ONNXError(.invalid, "is not an intact ONNX model; fetch or copy the file again", in: path)
        }
    }

    /// Calls `body` with the name, type and shape of each parameter, and its row-major little-endian elements, which are in the
    /// mapped file where its element type is the graph's.
    public func forEachParameter(
        _ body: (_ name: String, _ type: TensorType, _ bytes: UnsafeRawBufferPointer) throws -> Void
    ) throws {
        for (name, tensor) in stored {
            let type = TensorType(tensor.carrier, tensor.shape.map(Dimension.fixed))
            try tensor.withBytes { try body(name, type, $0) }
        }
    }
}

extension Graph {
    /// The graph of an ONNX file, whose weights are parameters; `ONNXModel` has their values.
    ///
    /// - Throws: as `ONNXModel.init`.
    public init(onnx path: String) throws { self = try ONNXModel(contentsOf: path).graph }
}
