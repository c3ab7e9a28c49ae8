/// The vector instruction sets that kernels are generated for, weakest first. Each one includes
/// those before it.
package enum InstructionSet: String, CaseIterable, Comparable, Sendable {
    /// AVX2 with FMA: 32-byte vectors. The least that bertc runs on.
    case avx2
    /// AVX-512 F, BW, VL and DQ: 64-byte vectors with mask registers.
    case avx512
    /// AVX-512 with products of bf16 pairs.
    case avx512bf16
    /// That plus AMX tiles with bf16 products.
    case amx

    /// The best set of this machine, or nil if it has not even AVX2 and FMA.
    ///
    /// Asking for AMX tiles changes the process: Linux hands out tile registers only on request.
    package static let host: InstructionSet? = HostCPU.current.instructionSet

    /// Bytes in one vector register.
    package var vectorBytes: Int { self == .avx2 ? 32 : 64 }

    /// Elements of f32 in one vector register.
    package var f32Lanes: Int { vectorBytes / MemoryLayout<Float>.size }

    /// LLVM's names of the features that a machine must have for this set.
    package var requiredFeatures: [String] {
        switch self {
        case .avx2: ["avx2", "fma"]
        case .avx512: InstructionSet.avx2.requiredFeatures + ["avx512f", "avx512bw", "avx512vl", "avx512dq"]
        case .avx512bf16: InstructionSet.avx512.requiredFeatures + ["avx512bf16"]
        case .amx: InstructionSet.avx512bf16.requiredFeatures + ["amx-tile", "amx-bf16"]
        }
    }

    /// Whether code for this set may use the LLVM feature `name`; false for those of stronger sets.
    func allows(feature name: String) -> Bool {
        let needs512 = name.hasPrefix("avx512") || name.hasPrefix("avx10") || name == "evex512"
        switch self {
        case .avx2: return !needs512 && !name.hasPrefix("amx")
        case .avx512: return name != "avx512bf16" && !name.hasPrefix("amx")
        case .avx512bf16: return !name.hasPrefix("amx")
        case .amx: return true
        }
    }

    package static func < (left: InstructionSet, right: InstructionSet) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .avx2: 0
        case .avx512: 1
        case .avx512bf16: 2
        case .amx: 3
        }
    }
}
