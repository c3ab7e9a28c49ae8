import Foundation

/// Decompositions and compositions of single scalars as HF's tables of normal forms have them: these stopped at
/// Unicode 9.0.
enum Decompositions {
    /// Canonical combining class; 0 for scalars that the tables do not have.
    static func combiningClass(of scalar: Unicode.Scalar) -> UInt8 {
        if scalar.value < 0x300 { return 0 }
        let combiningClass = scalar.properties.canonicalCombiningClass.rawValue
        return combiningClass > 0 && UnicodeClasses.hasNormalForms(scalar) ? combiningClass : 0
    }

    /// The full compatibility decomposition (NFKD) of one scalar; itself for most.
    static func compatible(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        switch scalar.value {
        case 0..<0xA0, 0x3400..<0xA000, 0x20000..<0x2F800: return [scalar]
        case 0xAC00...0xD7A3: return UnicodeClasses.decomposition(of: scalar)
        default: return compatibleDecompositions[scalar] ?? [scalar]
        }
    }

    /// The scalar that two compose to (NFC), if there is one.
    static func composition(of first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
        if (0x1100..<0x1113).contains(first.value), (0x1161..<0x1176).contains(second.value) {
            return Unicode.Scalar(0xAC00 + ((first.value - 0x1100) * 21 + second.value - 0x1161) * 28)
        }
        if (0xAC00...0xD7A3).contains(first.value), (first.value - 0xAC00).isMultiple(of: 28),
            (0x11A8..<0x11C3).contains(second.value)
        {
            return Unicode.Scalar(first.value + second.value - 0x11A7)
        }
        if second.value < 0x300 { return nil }
        return compositions[UInt64(first.value) << 32 | UInt64(second.value)]
    }

    private static let compatibleDecompositions: [Unicode.Scalar: [Unicode.Scalar]] = {
        var result: [Unicode.Scalar: [Unicode.Scalar]] = [:]
        for scalar in candidates where UnicodeClasses.hasNormalForms(scalar) {
            let parts = Array(
                String(Character(scalar)).decomposedStringWithCompatibilityMapping.unicodeScalars)
            if parts != [scalar] { result[scalar] = parts }
        }
        return result
    }()

    private static let compositions: [UInt64: Unicode.Scalar] = {
        var result: [UInt64: Unicode.Scalar] = [:]
        for scalar in candidates where UnicodeClasses.hasNormalForms(scalar) {
            let parts = String(Character(scalar)).decomposedStringWithCanonicalMapping.unicodeScalars
            guard let last = parts.last, parts.count > 1,
                composed(parts[...]) == [scalar]
            else { continue }
            let first = composed(parts.dropLast())
            if first.count == 1 { result[UInt64(first[0].value) << 32 | UInt64(last.value)] = scalar }
        }
        return result
    }()

    private static func composed(_ parts: Substring.UnicodeScalarView) -> [Unicode.Scalar] {
        Array(String(parts).precomposedStringWithCanonicalMapping.unicodeScalars)
    }

    /// All scalars that may have a decomposition; Hangul syllables are left to arithmetic.
    private static var candidates: some Sequence<Unicode.Scalar> {
        let blocks: [Range<UInt32>] = [
            0xA0..<0x3400, 0xA000..<0xAC00, 0xF900..<0x1_0000, 0x1_0000..<0x1_2000, 0x1_D000..<0x1_F300,
            0x2_F800..<0x2_FA20,
        ]
        return blocks.joined().lazy.compactMap(Unicode.Scalar.init)
    }
}
