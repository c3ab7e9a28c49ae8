import GraphIR

extension ElementType {
    /// The nearest value that an element of this type can hold: floats round to nearest, ties to even; integers
    /// truncate toward zero and saturate (NaN gives 0); bool is 0 or 1.
    package func rounded(_ value: Double) -> Double {
        switch self {
        case .f32: Double(Float(value))
        case .bf16: Double(Float(bitPattern: UInt32(Self.bf16Bits(value)) << 16))
        case .f16: Double(Float16(value))
        case .i8: max(-128, min(127, Double(Self.saturatingInt(value))))
        case .i32: Double(max(Int(Int32.min), min(Int(Int32.max), Self.saturatingInt(value))))
        case .i64: Double(Self.saturatingInt(value))
        case .bool: value == 0 ? 0 : 1
        }
    }

    /// An integer result of this type in two's complement: what does not fit wraps around.
    func wrapped(_ value: Int) -> Double {
        self == .i32 ? Double(Int32(truncatingIfNeeded: value)) : Double(value)
    }

    /// The upper half of a float's bits, rounded to nearest even. The step through `Float` rounds to odd, so
    /// that rounding twice gives the same as rounding once.
    static func bf16Bits(_ value: Double) -> UInt16 {
        let nearest = Float(value)
        guard !nearest.isNaN else { return UInt16(nearest.bitPattern >> 16) | 0x40 }
        var bits = nearest.bitPattern
        if Double(nearest) != value {
            if abs(Double(nearest)) > abs(value) { bits -= 1 }
            bits |= 1
        }
        return UInt16((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
    }

    /// `value` truncated toward zero into an `Int`; NaN gives 0.
    static func saturatingInt(_ value: Double) -> Int {
        if value.isNaN { return 0 }
        if value >= 0x1p63 { return Int.max }
        return value <= -0x1p63 ? Int.min : Int(value)
    }
}
