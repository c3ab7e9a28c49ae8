/// What code is generated for: a level of instructions of a processor architecture, with what lowering, code
/// generation and the cost model need to know of it.
///
/// Lowering and the templates read registers, lanes, units and caches, never the name: a level that another one
/// extends differs from it in these values only.
package struct Target: Hashable, Sendable, CustomStringConvertible {
    /// The name that people write: `--cpu`, `train.json`'s `cpu`, `CompilerOptions.instructionSet`.
    package let name: String
    package let architecture: Architecture
    /// Vector registers.
    package let registers: Int
    /// f32 elements of a vector register.
    package let lanes: Int
    /// What multiplies operands of each element type.
    package let units: ByElement<ProductUnit>
    /// What two cores of a usual server reach. Predictions prefer what was measured (`bertc roofline`).
    package let rates: Rates
    /// What blocks of products are sized for: the usual sizes, on the host those that the system tells.
    package private(set) var caches = CacheSizes.usual
    /// LLVM's names of the features that a processor must have.
    package let requiredFeatures: [String]
    /// Prefixes of the features that code for this level may not use, whether the processor has them or not.
    package let withheldFeatures: [String]
    /// LLVM's name of a processor of just this level, for code that runs on a stronger one whose own name would
    /// bring back what is withheld; `nil` where the features suffice.
    package let processor: String?

    init(
        name: String, architecture: Architecture, registers: Int, lanes: Int, units: ByElement<ProductUnit>,
        rates: Rates, requiredFeatures: [String], withheldFeatures: [String], processor: String? = nil
    ) {
        self.name = name
        self.architecture = architecture
        self.registers = registers
        self.lanes = lanes
        self.units = units
        self.rates = rates
        self.requiredFeatures = requiredFeatures
        self.withheldFeatures = withheldFeatures
        self.processor = processor
    }

    package var description: String { name }

    /// Bytes of a vector register.
    package var vectorByteCount: Int { lanes * 4 }

    /// The same level with caches of other sizes.
    package func with(_ caches: CacheSizes) -> Target {
        var target = self
        target.caches = caches
        return target
    }

    /// Whether a processor of this level runs code for `other`: a level of its own architecture that asks for nothing
    /// more.
    package func runs(_ other: Target) -> Bool {
        architecture == other.architecture
            && Set(requiredFeatures).isSuperset(of: other.requiredFeatures)
    }

    /// Whether code for this level may use LLVM's feature `feature`.
    package func allows(_ feature: String) -> Bool {
        !withheldFeatures.contains { feature.hasPrefix($0) }
    }

    // MARK: By name

    /// The levels of all architectures, the least of each first.
    package static let all = Architecture.allCases.flatMap(\.levels)

    /// The level that people call `name`.
    package static func named(_ name: String) -> Target? { all.first { $0.name == name } }
}

/// A family of processors that run each other's machine code, level by level. A new one is a case here, a file of
/// levels like `X86.swift`, and what the compiler then asks for.
package enum Architecture: String, CaseIterable, Sendable {
    /// As LLVM's triples begin.
    case x86 = "x86_64"

    /// Every level, from the least that bertc runs on.
    package var levels: [Target] {
        switch self {
        case .x86: Target.x86Levels
        }
    }

    /// For people: the name of such machines, and what the ones too old for the least level lack.
    package var wording: (machine: String, lacking: String) {
        switch self {
        case .x86: ("x86-64", "AVX2 or FMA")
        }
    }
}

/// How products of operands of one element type are computed. Those of i8 add up in i32, exactly, the others in f32 each way.
package enum ProductUnit: Hashable, Sendable {
    /// Fused multiply-adds of the operands as they are.
    case multiplyAdd
    /// Operands are widened first: to f32, those of i8 to 16 bits.
    case widened
    /// Products of pairs along the depth, two for each lane; four of i8.
    case dotProduct
    /// Matrix registers for large products, and `dotProduct` for the others.
    case tiles

    /// Whether vectors of pairs are multiplied without being widened.
    package var multipliesPairs: Bool {
        switch self {
        case .multiplyAdd, .widened: false
        case .dotProduct, .tiles: true
        }
    }
}

/// One value for each element type that matrix products multiply.
package struct ByElement<Value: Hashable & Sendable>: Hashable, Sendable {
    package var f32: Value
    package var bf16: Value
    package var f16: Value
    package var i8: Value

    package init(f32: Value, bf16: Value, f16: Value, i8: Value) {
        self.f32 = f32
        self.bf16 = bf16
        self.f16 = f16
        self.i8 = i8
    }
}
