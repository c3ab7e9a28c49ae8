import LLVMBridge
import Target
import Testing

@Suite struct TargetCPUTests {
    @Test func hostIsTheBestSet() throws {
        let cpu = try TargetCPU.host()
        #expect(cpu.target == Target.host)
        for feature in cpu.target.requiredFeatures { #expect(cpu.features.contains("+" + feature)) }
        #expect(try TargetCPU.host() == cpu)
    }

    @Test func loweringTakesStrongerFeaturesAway() throws {
        let cpu = try TargetCPU.host(limit: .avx2)
        #expect(cpu.target.name == "avx2")
        #expect(cpu.features.contains("+avx2") && cpu.features.contains("+fma"))
        for stronger in ["+avx512", "+avx10", "+amx", "+evex512"] {
            #expect(!cpu.features.contains(stronger))
        }
    }

    @Test(arguments: Target.all)
    func moreThanTheHostHasIsRefused(set: Target) throws {
        let host = try #require(Target.host)
        guard !host.runs(set) else { return #expect(try TargetCPU.host(limit: set).target.name == set.name) }
        let error = #expect(throws: LLVMError.self) { try TargetCPU.host(limit: set) }
        #expect(error == .instructionSet(asked: set.name, host: host.name))
        let text = try #require(error).description
        #expect(text.contains("'\(set)'") && text.contains("'\(host)'"))
    }

    @Test(arguments: Target.all)
    func assumedSetHasItsFeaturesAndNoStrongerOnes(set: Target) throws {
        let cpu = TargetCPU.assuming(set)
        #expect(cpu.target.name == set.name)
        let features = Set(cpu.features.split(separator: ",").map(String.init))
        #expect(set.requiredFeatures.allSatisfy { features.contains("+" + $0) })
        let stronger = Target.all.filter { $0.runs(set) }.flatMap(\.requiredFeatures)
        #expect(stronger.allSatisfy { set.requiredFeatures.contains($0) || features.contains("-" + $0) })
        if set.name == Target.host?.name { #expect(try TargetCPU.host() == cpu) }
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
