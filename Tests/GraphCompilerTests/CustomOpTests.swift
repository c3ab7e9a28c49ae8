import Foundation
import GraphCompiler
import Interpreter
import Testing

/// Custom ops from definition to machine code: by a kernel of their own, and by decomposition.
@Suite struct CustomOpTests {
    /// slope · x / (1 + |x|) + b
    static let softsign = CustomOpDefinition(
        "softsign", attributes: [("slope", .float(1))], shape: { _, types in [types[0]] },
        evaluate: { op, x in
            let width = x[1].values.count
            return [
                x[0].values.enumerated().map { index, value in
                    op.float("slope") * value / (1 + abs(value)) + x[1].values[index % width]
                }
            ]
        },
        gradient: { op, rule in
            let size = 1 + rule.operands[0].abs()
            return [
                rule.cotangent * op.float("slope") / (size * size),
                rule.cotangent.summed(to: rule.operands[1].shape),
            ]
        })

    static let kernel = CustomKernel(softsign) { op, x, program in
        let size = program.adding(program.constant(1), program.unary(.abs, x[0]))
        return program.adding(program.scaling(program.dividing(x[0], size), op.float("slope")), x[1])
    }

    private func graph() throws -> Graph {
        try GraphBuilder.build("custom") { g in
            let x = g.input("x", .f32, ["rows", 33])
            let w = g.parameter("w", [33, 20])
            let b = g.parameter("b", [20])
            let y = g.custom(Self.softsign, [x.matmul(w), b], ["slope": .float(2)])[0]
            g.output("y", y)
            g.output("loss", (y * y).mean())
        }
    }

    private func inputs() -> [String: HostTensor] {
        var numbers = Numbers(4)
        return [
            "x": numbers.tensor([7, 33]), "w": numbers.tensor([33, 20]), "b": numbers.tensor([20]),
            "learning_rate": .scalar(0.125), "correction1": .scalar(0.125), "correction2": .scalar(0.0625),
            "w.exp_avg": .filled(0, .f32, [33, 20]), "w.exp_avg_sq": .filled(0, .f32, [33, 20]),
            "b.exp_avg": .filled(0, .f32, [20]), "b.exp_avg_sq": .filled(0, .f32, [20]),
        ]
    }

    @Test(arguments: OpTests.instructionSets)
    func aKernelComputesWhatTheInterpreterDoes(_ set: String) throws {
        let options = CompilerOptions(instructionSet: set, cache: .off, customKernels: [Self.kernel])
        try CompiledComparison(graph: try graph(), inputs: inputs(), options: options).check()
    }

    @Test func aTrainingStepWithAKernelAgreesAfterAllPasses() throws {
        let step = try trainingStep(try graph())
        let compiler = try Compiler(CompilerOptions(cache: .off, customKernels: [Self.kernel]))
        let optimized = try compiler.optimize(step)
        #expect(optimized.description.contains("custom.softsign"))
        try CompiledComparison(
            graph: optimized, inputs: inputs(), options: compiler.options
        ).check()
        #expect(
            try compiler.lower(optimized).launches.contains { $0.kernel.name.contains("custom.softsign") })
    }

    /// f(a broadcast row, a splat): the splat becomes a constant of the program.
    @Test func kernelsBroadcastAndTakeConstants() throws {
        let graph = try GraphBuilder.build("broadcast") { g in
            let x = g.input("x", .f32, ["rows", 5])
            g.output("y", g.custom(Self.softsign, [x, g.scalar(0.5)])[0])
        }
        var numbers = Numbers(2)
        let options = CompilerOptions(cache: .off, customKernels: [Self.kernel])
        try CompiledComparison(graph: graph, inputs: ["x": numbers.tensor([3, 5])], options: options).check()
    }

    private func message(_ graph: Graph, _ kernels: [CustomKernel]) -> String {
        let error = #expect(throws: (any Error).self) {
            try Compiler(CompilerOptions(cache: .off, customKernels: kernels)).lower(graph)
        }
        return error.map { "\($0)" } ?? ""
    }

    @Test func anOpThatNothingLowersIsNamed() throws {
        #expect(
            message(try graph(), [])
                == "%4 = custom.softsign: has no kernel and was not decomposed; "
                + "give it a decomposition or a CustomKernel [lowering]")
    }

    @Test func bodiesThatDoNotFitAreNamed() throws {
        let graph = try graph()
        func body(_ body: @escaping CustomKernel.Body) -> String {
            message(graph, [CustomKernel(Self.softsign, body: body)])
        }
        #expect(
            body { _, x, program in program.compare(.gt, x[0], x[1]) }.contains("its kernel gives no f32"))
        #expect(body { _, _, _ in 99 }.contains("its kernel gives no f32"))
        #expect(body { _, x, program in program.unary(.exp, 7) }.contains("reads a later step"))
        #expect(
            body { _, x, program in
                program.adding(x[0], program.constant(1, .i32))
            }.contains("of its kernel can't take f32, i32"))
    }

    @Test func operandsThatDoNotBroadcastAreNamed() throws {
        let graph = try GraphBuilder.build("wide") { g in
            let x = g.input("x", .f32, [5])
            g.output("y", g.custom(Self.softsign, [x, g.input("b", .f32, [2, 5])])[0])
        }
        #expect(
            message(graph, [Self.kernel]).contains("an operand of f32[2, 5] does not broadcast to f32[5]"))
    }

    @Test func aKernelForSeveralResultsIsRefused() throws {
        let pair = CustomOpDefinition(
            "pair", resultCount: 2, shape: { _, types in [types[0], types[0]] },
            evaluate: { _, x in [x[0].values, x[0].values] })
        let graph = try GraphBuilder.build("pair") { g in
            g.output("y", g.custom(pair, [g.input("x", .f32, [5])])[1])
        }
        let kernel = CustomKernel(pair) { _, x, _ in x[0] }
        #expect(message(graph, [kernel]).contains("a CustomKernel is for one result, and this op has 2"))
    }
}
