import GraphIR
import KernelIR
import Lowering
import Target
import TestSupport
import Testing

/// Programs that break one rule each: a lowered graph with one phase changed.
@Suite struct KernelVerifierTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let rule: KernelRule
        let graph: String
        /// The phase as it should not be.
        let change: @Sendable (Phase) -> Phase?

        var testDescription: String { "\(rule)" }
    }

    static let cases = [
        rows(.buffers) { $0.body.stores = [.element(.elements(7, .f32, columns: .fixed(8)), 0)] },
        rows(.elements) { $0.body.ops[0] = .load(.elements(0, .f16, columns: .fixed(8))) },
        rows(.programs) { $0.body.ops.insert(.unary(.neg, 5), at: 0) },
        rows(.sizes) { $0.tasks = 0 },
        rows(.readOnly) { $0.body.stores = [.element(.elements(0, .f32, columns: .fixed(8)), 0)] },
        Case(rule: .inPlace, graph: accumulator) { phase in
            guard case .rows(var kernel) = phase else { return nil }
            kernel.body.ops = kernel.body.ops.map { op in
                guard case .load(var access) = op else { return op }
                access.offset = .one
                return .load(access)
            }
            return .rows(kernel)
        },
        block(.workingMemory) { $0.products[0].accumulates = true },
        block(.panels) { $0.products[0].k = .fixed(9) },
        sums(.reductions) { $0.tasks += 1 },
        Case(rule: .attention, graph: attention) { phase in
            guard case .attention(var kernel) = phase else { return nil }
            kernel.maskTable = 0
            return .attention(kernel)
        },
        Case(rule: .rows, graph: columns) { phase in
            guard case .rows(var kernel) = phase else { return nil }
            kernel.body.ops[0] = .load(.elements(0, .f32, columns: .fixed(8)))
            return .rows(kernel)
        },
    ]

    @Test func everyRuleIsBrokenOnce() { #expect(Set(Self.cases.map(\.rule)) == Set(KernelRule.allCases)) }

    @Test(arguments: cases) func isRefused(_ test: Case) throws {
        let program = try Lowering.lower(
            Graph(parsing: test.graph), for: Machine(.avx512), keepsPanels: false)
        try program.verify(lanes: 16)
        var changes = 0
        let launches = program.launches.map { launch in
            let phases = launch.kernel.phases.map { phase -> Phase in
                guard changes == 0, let changed = test.change(phase) else { return phase }
                changes += 1
                return changed
            }
            return Program.Launch(
                kernel: Kernel(launch.kernel.name, phases), buffers: launch.buffers, node: launch.node)
        }
        let changed = Program(
            graph: program.graph, launches: launches, packings: program.packings,
            workspaces: program.workspaces,
            views: program.views, copies: program.copies)
        let error = #expect(throws: IRError.self) { try changed.verify(lanes: 16) }
        #expect(error?.rule == test.rule.rawValue)
        #expect(error?.place.hasPrefix("kernel '") == true)
    }

    @Test func tilesOfAnotherTargetAreRefused() throws {
        let program = try Lowering.lower(
            Graph(parsing: Self.product), for: Machine(.avx2), keepsPanels: false)
        let error = #expect(throws: IRError.self) { try program.verify(lanes: 16) }
        #expect(error?.rule == KernelRule.panels.rawValue)
    }

    // MARK: Graphs

    private static let product = """
        graph "product" {
          %x = input {name = "x"} : f32[rows, 8]
          %y = input {name = "y"} : f32[8, 8]
          %p = matmul %x, %y {transpose_left = false, transpose_right = false}
          output "p" %p
        }
        """

    private static let columns = """
        graph "columns" {
          %x = input {name = "x"} : f32[rows, 24]
          %part = slice %x {axis = 1, start = 8, size = 8}
          %y = exp %part
          output "y" %y
        }
        """

    private static let accumulator = """
        graph "accumulator" {
          %x = input {name = "x"} : f32[8]
          %sum = parameter {name = "sum", role = accumulator} : f32[8]
          %next = add %sum, %x
          update %sum = %next
        }
        """

    private static let attention = """
        graph "attention" {
          %q = input {name = "q"} : f32[tokens, 2, 8]
          %offsets = input {name = "offsets"} : i32[sequences+1]
          %lengths = input {name = "lengths"} : i32[sequences]
          %out, %lse = flash_attention %q, %q, %q, %offsets, %lengths {scale = 1.0, rate = 0.0, stream = 0}
          output "out" %out
        }
        """

    private static func rows(
        _ rule: KernelRule, op: String = "exp %x", _ change: @escaping @Sendable (inout RowKernel) -> Void
    ) -> Case {
        let graph = """
            graph "rows" {
              %x = input {name = "x"} : f32[rows, 8]
              %y = \(op)
              output "y" %y
            }
            """
        return Case(rule: rule, graph: graph) { phase in
            guard case .rows(var kernel) = phase else { return nil }
            change(&kernel)
            return .rows(kernel)
        }
    }

    private static func sums(
        _ rule: KernelRule, _ change: @escaping @Sendable (inout RowKernel) -> Void
    ) -> Case { rows(rule, op: "reduce_sum %x {axes = [0], keep = false}", change) }

    private static func block(
        _ rule: KernelRule, _ change: @escaping @Sendable (inout BlockKernel) -> Void
    ) -> Case {
        Case(rule: rule, graph: product) { phase in
            guard case .block(var kernel) = phase else { return nil }
            change(&kernel)
            return .block(kernel)
        }
    }
}
