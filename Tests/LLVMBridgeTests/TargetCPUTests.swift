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

    @Test func versionIsThatOfTheLinkedLibrary() { #expect(LLVM.version.hasPrefix("19.")) }
}
