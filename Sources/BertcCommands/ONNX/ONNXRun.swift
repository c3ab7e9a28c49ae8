import GraphCompiler
import ONNX

/// A run of an ONNX model on arrays: read, compiled, fed and run. Inputs that shapes are computed from are taken as constants.
package struct ONNXRun {
    package let model: ONNXModel
    /// Inputs that became numbers of the graph.
    package let constants: [String]
    private let arrays: [String: NumpyArray]

    /// - Parameters:
    ///   - path: the file.
    ///   - arrays: one for each input.
    ///   - elements: element types of inputs that the model would not say otherwise.
    package init(_ path: String, _ arrays: [String: NumpyArray]) throws {
        self.arrays = arrays
        let shapes = arrays.mapValues(\.shape)
        var options = ONNXOptions(shapes: shapes)
        func attempt() throws -> ONNXModel { try ONNXModel(contentsOf: path, options) }
        do {
            model = try attempt()
            constants = []
            return
        } catch let error as ONNXError where error.kind == .needsConstant {
            // Shapes and axes are small lists of numbers. What else there is keeps its shape alone.
            let signature = try ONNXModel.inputs(of: path)
            options.fixesShapes = true
            for input in signature {
                guard let array = arrays[input.name], array.shape.reduce(1, *) <= 64,
                    let element = input.element
                else { continue }
                if element == .bool || array.integers != nil
                    || array.shape.reduce(1, *) <= 8 && array.shape.count <= 1
                {
                    options.constants[input.name] = try array.known(
                        for: element, named: input.name, file: path)
                }
            }
        }
        model = try attempt()
        constants = options.constants.keys.sorted()
    }

    /// The inputs as the graph takes them.
    package func inputs(file: (String) -> String) throws -> [String: TensorData] {
        var tensors: [String: TensorData] = [:]
        for input in model.inputs {
            guard let array = arrays[input.name] else {
                throw CommandError(
                    .usage,
                    "the input \(input.name) has no array; give it with --input \(input.name)=FILE.npy")
            }
            tensors[input.name] = try array.tensor(
                for: input.element, named: input.name, file: file(input.name))
        }
        return tensors
    }

    /// The model, compiled, with its weights.
    package func compiled(_ compiler: Compiler) throws -> CompiledGraph {
        let graph = try CompiledGraph(model.graph, compiler: compiler)
        try model.load(into: graph.store)
        return graph
    }
}

extension ONNXModel {
    /// Writes the weights into the memory of a compiled graph.
    func load(into store: ParameterStore) throws {
        try forEachParameter { name, type, bytes in
            let shape = type.shape.map(\.offset)
            if type.element == .f32 {
                try store.set(name, shape: shape) { target in
                    UnsafeMutableRawBufferPointer(target).copyMemory(from: bytes)
                }
            } else {
                try store.set(name, TensorData(element: type.element, shape: shape, bytes: [UInt8](bytes)))
            }
        }
    }
}
