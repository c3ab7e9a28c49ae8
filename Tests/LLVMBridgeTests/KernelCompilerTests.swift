import LLVMBridge
import Target
import Testing

@Suite struct KernelCompilerTests {
    /// The sets that this machine can run.
    static let sets = Target.all.filter { Target.host?.runs($0) == true }

    @Test(arguments: sets)
    func vectorAddRuns(set: Target) throws {
        let cpu = try TargetCPU.host(limit: set)
        let lanes = set.lanes
        let object = try KernelCompiler.compile(ir: Kernels.vectorAdd(lanes: lanes, scale: 2), for: cpu)
        let kernel = try JITSession().load(object, symbol: "vectorAdd")
        let result = Kernels.runVectorAdd(kernel, lanes: lanes, tasks: 9)
        #expect(result == (0..<9 * lanes).map { 2 * Float($0) + 1000 })
    }

    @Test(arguments: sets)
    func assemblyUsesTheRegistersOfItsSet(set: Target) throws {
        // 16 lanes on either set: one 512-bit register, or two of 256 bits.
        let ir = Kernels.vectorAdd(lanes: 16)
        let assembly = try KernelCompiler.assembly(ir: ir, for: TargetCPU.host(limit: set))
        #expect(assembly.contains("vectorAdd:") && assembly.contains("%ymm") == (set.vectorByteCount == 32))
        #expect(assembly.contains("%zmm") == (set.vectorByteCount == 64))
    }

    @Test func sameInputGivesSameBytes() throws {
        let cpu = try TargetCPU.host()
        let ir = Kernels.vectorAdd(lanes: 8)
        #expect(try KernelCompiler.compile(ir: ir, for: cpu) == KernelCompiler.compile(ir: ir, for: cpu))
    }

    @Test func parseErrorNamesThePlace() throws {
        let cpu = try TargetCPU.host()
        let ir = "define void @f() {\n  %x = frobnicate i32 1\n  ret void\n}\n"
        let error = #expect(throws: LLVMError.self) { try KernelCompiler.compile(ir: ir, for: cpu) }
        guard case .parse(let message)? = error else { return #expect(Bool(false), "\(error as Any)") }
        #expect(message.hasPrefix("kernel:2:8: error:") && !message.contains("\n"), "\(message)")
    }

    @Test func emptyAndBinaryInputDoNotCrash() throws {
        let cpu = try TargetCPU.host()
        #expect(try !KernelCompiler.compile(ir: "", for: cpu).bytes.isEmpty)
        #expect(throws: LLVMError.self) { try KernelCompiler.compile(ir: "BC\u{0}\u{1}junk", for: cpu) }
    }

    @Test func invalidModuleIsRefused() throws {
        let cpu = try TargetCPU.host()
        // Parses, but %x does not dominate its use.
        let ir = """
            define i32 @f(i1 %c) {
              br i1 %c, label %a, label %b
            a:
              %x = add i32 1, 2
              br label %b
            b:
              ret i32 %x
            }
            """
        let error = #expect(throws: LLVMError.self) { try KernelCompiler.compile(ir: ir, for: cpu) }
        guard case .verify(let message)? = error else { return #expect(Bool(false), "\(error as Any)") }
        #expect(message.contains("dominate"))
    }

    @Test func backEndErrorIsReported() throws {
        let cpu = try TargetCPU.host()
        let ir = "define void @f() {\n  call void asm sideeffect \"frobnicate %eax\", \"\"()\n  ret void\n}\n"
        let error = #expect(throws: LLVMError.self) { try KernelCompiler.compile(ir: ir, for: cpu) }
        guard case .codegen(let message)? = error else { return #expect(Bool(false), "\(error as Any)") }
        #expect(message.contains("frobnicate") || message.contains("mnemonic"), "\(message)")
    }

    @Test func passPipelineRunsAndItsErrorsAreReported() throws {
        let cpu = try TargetCPU.host()
        let ir =
            "define i32 @f() {\n  %p = alloca i32\n  store i32 7, ptr %p\n  %v = load i32, ptr %p\n  ret i32 %v\n}\n"
        let plain = try KernelCompiler.assembly(ir: ir, for: cpu)
        let passed = try KernelCompiler.assembly(ir: ir, for: cpu, passes: "default<O2>")
        #expect(plain.contains("rsp") && !passed.contains("rsp"))
        let error = #expect(throws: LLVMError.self) {
            try KernelCompiler.compile(ir: ir, for: cpu, passes: "no-such-pass")
        }
        guard case .passes("no-such-pass", let message)? = error else {
            return #expect(Bool(false), "\(error as Any)")
        }
        #expect(message.contains("no-such-pass"))
    }

    @Test func threadsCompileAtOnce() async throws {
        let cpu = try TargetCPU.host()
        let session = try JITSession()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    for round in 0..<8 {
                        let scale = Float(worker * 8 + round)
                        let ir = Kernels.vectorAdd(lanes: 8, scale: scale)
                        let object = try KernelCompiler.compile(ir: ir, for: cpu)
                        let kernel = try session.load(object, symbol: "vectorAdd")
                        let result = Kernels.runVectorAdd(kernel, lanes: 8, tasks: 4)
                        #expect(result == (0..<32).map { scale * Float($0) + 1000 })
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
