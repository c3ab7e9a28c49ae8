import Foundation

/// The character classes of BERT's basic tokeniser, as HF's `tokenizers` library defines them.
///
/// HF takes general categories from tables that stopped at Unicode 8.0, while lower-casing and white space
/// follow the current standard. So a scalar that is newer than 8.0 has no category here: it is kept as an
/// ordinary letter. The few scalars whose category was changed after 8.0 are listed by hand. The test
/// `everyScalar` compares all of Unicode with HF's answers.
enum UnicodeClasses {
    /// A scalar that `clean_text` deletes: NUL, U+FFFD, controls, format and private-use characters.
    static func isRemoved(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D: return false
        case 0x20..<0x7F: return false
        case 0xFFFD: return true
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .privateUse: return true
        case .format: return isInUnicode8(scalar)
        default: return false
        }
    }

    /// Unicode's `White_Space`; pre-tokenisation splits there.
    static func isWhitespace(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace }

    /// A scalar that is a word of its own: all ASCII symbols, and the categories P*.
    static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E, 0x166D, 0x111C9: return true
        case 0..<0x80: return false
        default: break
        }
        switch scalar.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
            .initialPunctuation, .finalPunctuation, .otherPunctuation:
            return isInUnicode8(scalar)
        default: return false
        }
    }

    /// A non-spacing mark (Mn), which accent stripping deletes after decomposition.
    static func isNonspacingMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x300: return false
        case 0x1734, 0x1171E: return true
        case 0x1885, 0x1886, 0xA9BD, 0x111C9: return false
        default: return scalar.properties.generalCategory == .nonspacingMark && isInUnicode8(scalar)
        }
    }

    /// A mark of any kind (M*), which HF's `StripAccents` deletes; its tables of them stopped at Unicode 9.0.
    static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x1CF2, 0x1CF3: return true
        case 0x111C9: return false
        default: return isAnyMark(scalar) && isAssigned(scalar, by: 9)
        }
    }

    /// The regular expression `\w` by Unicode 16.0: letters, marks, decimal digits, connectors and joiners.
    static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 0x80 { return scalar.properties.isAlphabetic || isDigitOrConnector(scalar) }
        let properties = scalar.properties
        let isWord =
            properties.isAlphabetic || properties.isJoinControl || isAnyMark(scalar)
            || isDigitOrConnector(scalar)
        return isWord && isAssigned(scalar, by: 16)
    }

    /// What `\w` of HF's configurable patterns matches, by Unicode 16.0: letters, marks, decimal digits, connectors, and
    /// the numbers of Latin-1.
    static func isPatternWord(_ scalar: Unicode.Scalar) -> Bool {
        GeneralCategories.bit(of: scalar) & GeneralCategories.words != 0 || isLatinNumber(scalar)
            || scalar.value > 0x7F && scalar.properties.isAlphabetic && isAssigned(scalar, by: 16)
    }

    /// A superscript digit or a fraction of Latin-1.
    static func isLatinNumber(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0xB2, 0xB3, 0xB9, 0xBC...0xBE: true
        default: false
        }
    }

    private static func isAnyMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: true
        default: false
        }
    }

    private static func isDigitOrConnector(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .decimalNumber, .connectorPunctuation: true
        default: false
        }
    }

    /// A digit or another number (N*).
    static func isNumber(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .decimalNumber, .letterNumber, .otherNumber: true
        default: false
        }
    }

    /// A scalar of the CJK ideograph blocks, which becomes a word of its own.
    static func isCJK(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
            0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
            return true
        default: return false
        }
    }

    /// The full canonical decomposition (NFD) of one scalar; itself for most.
    static func decomposition(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        switch scalar.value {
        case 0x2000, 0x2001: return [scalar.value == 0x2000 ? "\u{2002}" : "\u{2003}"]
        case 0..<0xC0, 0x2002..<0x2126, 0x3100..<0xAC00, 0x20000..<0x2F800: return [scalar]
        case 0xC0..<0x2000: return alphabeticDecompositions[Int(scalar.value) - 0xC0]
        case 0xAC00...0xD7A3: return hangulDecomposition(of: scalar)
        default: return isInUnicode8(scalar) ? foundationDecomposition(of: scalar) : [scalar]
        }
    }

    /// Decompositions of U+00C0..<U+2000, where all accented letters of alphabets are.
    private static let alphabeticDecompositions: [[Unicode.Scalar]] = (0xC0..<0x2000).map { value in
        Unicode.Scalar(UInt32(value)).map(foundationDecomposition) ?? []
    }

    private static func foundationDecomposition(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        Array(String(Character(scalar)).decomposedStringWithCanonicalMapping.unicodeScalars)
    }

    /// A Hangul syllable is `0xAC00 + (lead * 21 + vowel) * 28 + tail` (The Unicode Standard, section 3.12).
    private static func hangulDecomposition(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        let index = scalar.value - 0xAC00
        let tail = index % 28
        let jamo = [0x1100 + index / 588, 0x1161 + index % 588 / 28] + (tail == 0 ? [] : [0x11A7 + tail])
        return jamo.compactMap(Unicode.Scalar.init)
    }

    /// Whether HF's tables of normal forms have the scalar: they stopped at Unicode 9.0.
    static func hasNormalForms(_ scalar: Unicode.Scalar) -> Bool { isAssigned(scalar, by: 9) }

    private static func isInUnicode8(_ scalar: Unicode.Scalar) -> Bool { isAssigned(scalar, by: 8) }

    /// Whether the scalar was assigned by a version of Unicode, `version`.0.
    private static func isAssigned(_ scalar: Unicode.Scalar, by version: Int) -> Bool {
        guard let age = scalar.properties.age else { return false }
        return age.major < version || age.major == version && age.minor == 0
    }
}
