import Foundation
import GraphCompiler
import Interpreter
import LLVMBridge
import Testing

/// Compiles a graph without cache and compares every output and update with the interpreter's.
struct CompiledComparison {
    let graph: Graph
    let inputs: [String: HostTensor]
    var symbols: [String: Int] = [:]
    var options = CompilerOptions(cache: .off)
    /// What to compile for, where that is not what the options say.
    var cpu: TargetCPU?
    /// Largest difference relative to max(1, |expected|).
    var tolerance = 2e-5
    /// Whether the passes run before lowering.
    var optimizes = false

    func check(_ label: String = "", sourceLocation: SourceLocation = #_sourceLocation) throws {
        let expected = try Interpreter(graph: graph).run(inputs, symbols: symbols)
        let compiler = try cpu.map { try Compiler(options, cpu: $0) } ?? Compiler(options)
        let parameters = ParameterStore()
        let program = try compiler.lower(optimizes ? compiler.optimize(graph) : graph)
        let executor = try compiler.executor(program, parameters: parameters)
        var given: [String: TensorData] = [:]
        for node in program.graph.nodes {
            switch node.op {
            case .source(.input(let name, _)): given[name] = try inputs[name].map(TensorData.init)
            case .source(.parameter(let name, _, _)): try parameters.set(name, TensorData(inputs[name]!))
            default: break
            }
        }
        let actual = try executor.run(given, symbols: symbols)
        for (name, tensor) in expected.outputs {
            compare(actual[name], tensor, "\(label) output \(name)", sourceLocation)
        }
        for (name, tensor) in expected.updates {
            compare(parameters.get(name), tensor, "\(label) update \(name)", sourceLocation)
        }
    }

    private func compare(
        _ actual: TensorData?, _ expected: HostTensor, _ what: String, _ sourceLocation: SourceLocation
    ) {
        guard let actual,
            let host = try? HostTensor(element: actual.element, shape: actual.shape, bytes: actual.bytes)
        else {
            Issue.record("\(what) is missing", sourceLocation: sourceLocation)
            return
        }
        #expect(host.shape == expected.shape, "\(what)", sourceLocation: sourceLocation)
        #expect(host.element == expected.element, "\(what)", sourceLocation: sourceLocation)
        for (index, pair) in zip(host.values, expected.values).enumerated() {
            let (a, b) = pair
            let same = a == b || (a.isNaN && b.isNaN) || abs(a - b) <= tolerance * max(1, abs(b))
            if !same {
                Issue.record(
                    "\(what)[\(index)]: compiled \(a), interpreted \(b)", sourceLocation: sourceLocation)
                return
            }
        }
    }
}

extension TensorData {
    init(_ tensor: HostTensor) throws {
        try self.init(element: tensor.element, shape: tensor.shape, bytes: tensor.bytes)
    }
}

/// Numbers in [low, high) from a fixed seed.
struct Numbers {
    private var state: UInt64
    init(_ seed: UInt64 = 1) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next(_ low: Double, _ high: Double) -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return low + (high - low) * Double(state >> 11) / 9_007_199_254_740_992
    }

    mutating func tensor(_ shape: [Int], _ low: Double = -1, _ high: Double = 1) -> HostTensor {
        let values = (0..<shape.reduce(1, *)).map { _ in Double(Float(next(low, high))) }
        return HostTensor(element: .f32, shape: shape, values: values)
    }

    /// Numbers that `element` holds exactly.
    mutating func tensor(_ shape: [Int], _ element: ElementType) -> HostTensor {
        HostTensor(element: element, shape: shape, values: tensor(shape).values.map(element.rounded))
    }

    mutating func integers(_ shape: [Int], _ range: Range<Int>) -> HostTensor {
        let values = (0..<shape.reduce(1, *)).map { _ in
            (next(Double(range.lowerBound), Double(range.upperBound))).rounded(.down)
        }
        return HostTensor(element: .i32, shape: shape, values: values)
    }
}
