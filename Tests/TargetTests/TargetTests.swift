import Target
import Testing

@Suite struct TargetTests {
    @Test func namesAreDifferentAndFound() {
        #expect(Set(Target.all.map(\.name)).count == Target.all.count)
        #expect(Target.all.allSatisfy { Target.named($0.name) == $0 })
        #expect(Target.named("sse2") == nil)
    }

    /// A processor runs what its own architecture's levels ask no more than it has.
    @Test(arguments: Architecture.allCases) func aLevelRunsThoseBeforeIt(_ architecture: Architecture) {
        let levels = architecture.levels
        for (index, level) in levels.enumerated() {
            #expect(level.architecture == architecture)
            // AVX-VNNI is a branch of its own: not all processors with AVX-512 have it.
            let before = levels[...index].filter { $0 == level || $0 != .avxvnni }
            #expect(levels.filter(level.runs) == Array(before))
        }
    }

    /// Features of stronger levels are withheld from a level, its own are not.
    @Test(arguments: Target.all) func featuresAreThoseOfTheLevel(_ target: Target) {
        #expect(target.requiredFeatures.allSatisfy(target.allows))
        let stronger = target.architecture.levels.filter { !target.runs($0) }.flatMap(\.requiredFeatures)
        #expect(
            Set(stronger).subtracting(target.requiredFeatures).allSatisfy { !target.allows($0) })
    }

    /// No unit makes products slower than those of f32.
    @Test(arguments: Target.all) func ratesFitTheUnits(_ target: Target) {
        let rates = target.rates.flopsPerSecond
        #expect(target.units.bf16.multipliesPairs == (rates.bf16 > rates.f32))
        #expect(rates.f16 == rates.f32 && target.units.f16 == .widened)
        #expect(target.vectorByteCount == 4 * target.lanes && target.registers % 4 == 0)
    }

    @Test func cachesAreTheHostsBusiness() {
        let caches = CacheSizes(level1: 1 << 16, level2: 1 << 21, level3: 1 << 25)
        let target = Target.amx.with(caches)
        #expect(
            target.caches == caches && target.name == "amx" && target.runs(.amx) && Target.amx.runs(target))
    }
}
