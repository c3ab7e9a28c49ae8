import LLVMBridge
import Testing

@Suite struct TargetCPUTests {
    @Test func setsAreOrderedAndSized() {
        #expect(InstructionSet.allCases == InstructionSet.allCases.sorted())
        #expect(InstructionSet.avx2 < .avx512 && InstructionSet.avx512 < .amx)
        #expect(InstructionSet.avx2.f32Lanes == 8 && InstructionSet.avx512.f32Lanes == 16)
        #expect(InstructionSet.avx2.vectorBytes == 32 && InstructionSet.amx.vectorBytes == 64)
    }

    @Test func hostIsTheBestSet() throws {
        let cpu = try TargetCPU.host()
        #expect(cpu.instructionSet == InstructionSet.host)
        for feature in cpu.instructionSet.requiredFeatures { #expect(cpu.features.contains("+" + feature)) }
        #expect(try TargetCPU.host() == cpu)
    }

    @Test func loweringTakesStrongerFeaturesAway() throws {
        let cpu = try TargetCPU.host(limit: .avx2)
        #expect(cpu.instructionSet == .avx2)
        #expect(cpu.features.contains("+avx2") && cpu.features.contains("+fma"))
        for stronger in ["+avx512", "+avx10", "+amx", "+evex512"] {
            #expect(!cpu.features.contains(stronger))
        }
    }

    @Test(arguments: InstructionSet.allCases)
    func moreThanTheHostHasIsRefused(set: InstructionSet) throws {
        let host = try #require(InstructionSet.host)
        guard set > host else { return #expect(try TargetCPU.host(limit: set).instructionSet == set) }
        let error = #expect(throws: LLVMError.self) { try TargetCPU.host(limit: set) }
        #expect(error == .instructionSet(asked: set, host: host))
        let text = try #require(error).description
        #expect(text.contains("'\(set.rawValue)'") && text.contains("'\(host.rawValue)'"))
    }

    @Test(arguments: InstructionSet.allCases)
    func assumedSetHasItsFeaturesAndNoStrongerOnes(set: InstructionSet) throws {
        let cpu = TargetCPU.assuming(set)
        #expect(cpu.instructionSet == set)
        let features = Set(cpu.features.split(separator: ",").map(String.init))
        #expect(set.requiredFeatures.allSatisfy { features.contains("+" + $0) })
        let stronger = InstructionSet.allCases.filter { $0 > set }.flatMap(\.requiredFeatures)
        #expect(stronger.allSatisfy { set.requiredFeatures.contains($0) || features.contains("-" + $0) })
        if set == InstructionSet.host { #expect(try TargetCPU.host() == cpu) }
    }

    /// Tile instructions that name their registers are selected.
    @Test func codeForAStrongerProcessorCanBeRead() throws {
        let ir = """
            declare void @llvm.x86.tilezero(i8 immarg)
            define void @f() {
              call void @llvm.x86.tilezero(i8 5)
              ret void
            }
            """
        #expect(try KernelCompiler.assembly(ir: ir, for: .assuming(.amx)).contains("tilezero\t%tmm5"))
    }

    @Test func versionIsThatOfTheLinkedLibrary() { #expect(LLVM.version.hasPrefix("19.")) }
}
