// The levels of x86-64. Each includes those before it. What is generated for them alone is in
// Codegen/Targets/X86 and Roofline/X86CeilingKernels.swift.

extension Target {
    static let x86Levels = [avx2, avxvnni, avx512, avx512vnni, avx512bf16, amx]

    /// AVX2 with FMA: 32-byte vectors. The least that bertc runs on.
    package static let avx2 = Target(
        name: "avx2", architecture: .x86, registers: 16, lanes: 8,
        units: ByElement(f32: .multiplyAdd, bf16: .widened, f16: .widened, i8: .widened),
        rates: x86Rates(f32: 200e9, bf16: 200e9, i8: 200e9),
        requiredFeatures: ["avx2", "fma"],
        withheldFeatures: ["avx512", "avx10", "evex512", "amx", "avxvnni"],
        // A host's name implies its AVX-512 features and a preference for them; this one does not.
        processor: "x86-64-v3")

    /// AVX2 with products of four i8 (`vpdpbusd`).
    package static let avxvnni = Target(
        name: "avxvnni", architecture: .x86, registers: 16, lanes: 8,
        units: ByElement(f32: .multiplyAdd, bf16: .widened, f16: .widened, i8: .dotProduct),
        rates: x86Rates(f32: 200e9, bf16: 200e9, i8: 800e9),
        requiredFeatures: avx2.requiredFeatures + ["avxvnni"],
        withheldFeatures: ["avx512", "avx10", "evex512", "amx"], processor: "x86-64-v3")

    /// AVX-512 F, BW, VL and DQ: 64-byte vectors with mask registers.
    package static let avx512 = Target(
        name: "avx512", architecture: .x86, registers: 32, lanes: 16,
        units: ByElement(f32: .multiplyAdd, bf16: .widened, f16: .widened, i8: .widened),
        rates: x86Rates(f32: 400e9, bf16: 400e9, i8: 400e9),
        requiredFeatures: avx2.requiredFeatures + ["avx512f", "avx512bw", "avx512vl", "avx512dq"],
        withheldFeatures: ["avxvnni", "avx512vnni", "avx512bf16", "amx"])

    /// AVX-512 with products of four i8 (`vpdpbusd`).
    package static let avx512vnni = Target(
        name: "avx512vnni", architecture: .x86, registers: 32, lanes: 16,
        units: ByElement(f32: .multiplyAdd, bf16: .widened, f16: .widened, i8: .dotProduct),
        rates: x86Rates(f32: 400e9, bf16: 400e9, i8: 1600e9),
        requiredFeatures: avx512.requiredFeatures + ["avx512vnni"],
        withheldFeatures: ["avxvnni", "avx512bf16", "amx"])

    /// That with products of bf16 pairs (`vdpbf16ps`).
    package static let avx512bf16 = Target(
        name: "avx512bf16", architecture: .x86, registers: 32, lanes: 16,
        units: ByElement(f32: .multiplyAdd, bf16: .dotProduct, f16: .widened, i8: .dotProduct),
        rates: x86Rates(f32: 400e9, bf16: 800e9, i8: 1600e9),
        requiredFeatures: avx512vnni.requiredFeatures + ["avx512bf16"], withheldFeatures: ["avxvnni", "amx"])

    /// That plus AMX tiles of 16 x 32 elements with bf16 products; its rate is that of docs/tiles.md.
    package static let amx = Target(
        name: "amx", architecture: .x86, registers: 32, lanes: 16,
        units: ByElement(f32: .multiplyAdd, bf16: .tiles, f16: .widened, i8: .dotProduct),
        rates: x86Rates(f32: 400e9, bf16: 3e12, i8: 1600e9),
        requiredFeatures: avx512bf16.requiredFeatures + ["amx-tile", "amx-bf16"],
        withheldFeatures: ["avxvnni"])

    /// Two cores (docs/performance.md): a quarter of the FLOPs of products are element-wise operations, for most of
    /// those are no multiply-adds and have memory to wait for.
    private static func x86Rates(f32: Double, bf16: Double, i8: Double) -> Rates {
        Rates(
            bytesPerSecond: 30e9, operationsPerSecond: f32 / 4,
            flopsPerSecond: ByElement(f32: f32, bf16: bf16, f16: f32, i8: i8))
    }
}
