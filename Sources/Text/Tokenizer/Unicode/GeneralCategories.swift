/// The general categories of Unicode 16.0, which HF's regular expressions know; later scalars are unassigned there.
enum GeneralCategories {
    /// Categories as a set of bits.
    typealias Mask = UInt32

    /// The category of a scalar as a single bit.
    @inline(__always)
    static func bit(of scalar: Unicode.Scalar) -> Mask {
        let value = Int(scalar.value)
        return 1 << Mask(value < table.count ? table[value] : number(of: scalar))
    }

    /// Categories by the names that `\p{…}` has for them.
    static func named(_ name: String) -> Mask? {
        let places = names.indices.filter { names[$0].hasPrefix(name) && name.count <= 2 && !name.isEmpty }
        if !places.isEmpty { return places.reduce(0) { $0 | 1 << Mask($1) } }
        return longNames[name.lowercased()].flatMap(named)
    }

    static let letters: Mask = named("L") ?? 0
    static let numbers: Mask = named("N") ?? 0
    static let decimals: Mask = named("Nd") ?? 0
    static let words: Mask = letters | decimals | (named("M") ?? 0) | (named("Pc") ?? 0)

    /// In the order of `number(of:)`.
    private static let names = [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf",
        "Po",
        "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
    ]
    private static let longNames = [
        "letter": "L", "mark": "M", "number": "N", "punctuation": "P", "symbol": "S", "separator": "Z",
        "other": "C",
    ]

    private static let table: [UInt8] = (0..<0x2_0000).map { value in
        Unicode.Scalar(UInt32(value)).map(number) ?? 27
    }

    private static func number(of scalar: Unicode.Scalar) -> UInt8 {
        // A letter whose category changed in 17.0.
        if scalar.value == 0x295 { return 1 }
        guard let age = scalar.properties.age, age.major <= 16 else {
            return scalar.properties.generalCategory == .privateUse ? 28 : 29
        }
        return switch scalar.properties.generalCategory {
        case .uppercaseLetter: 0
        case .lowercaseLetter: 1
        case .titlecaseLetter: 2
        case .modifierLetter: 3
        case .otherLetter: 4
        case .nonspacingMark: 5
        case .spacingMark: 6
        case .enclosingMark: 7
        case .decimalNumber: 8
        case .letterNumber: 9
        case .otherNumber: 10
        case .connectorPunctuation: 11
        case .dashPunctuation: 12
        case .openPunctuation: 13
        case .closePunctuation: 14
        case .initialPunctuation: 15
        case .finalPunctuation: 16
        case .otherPunctuation: 17
        case .mathSymbol: 18
        case .currencySymbol: 19
        case .modifierSymbol: 20
        case .otherSymbol: 21
        case .spaceSeparator: 22
        case .lineSeparator: 23
        case .paragraphSeparator: 24
        case .control: 25
        case .format: 26
        case .surrogate: 27
        case .privateUse: 28
        case .unassigned: 29
        @unknown default: 29
        }
    }
}
