/// What one place of a regular expression matches: ranges, categories, and classes such as `\s`, or everything else.
struct ScalarSet: Sendable, Equatable {
    enum Item: Sendable, Equatable {
        case range(ClosedRange<UInt32>)
        case categories(GeneralCategories.Mask)
        /// `\s`
        case whitespace
        /// `\w`; within brackets without the numbers of Latin-1.
        case word(inBrackets: Bool)
        indirect case not(ScalarSet)
    }

    private var items: [Item]
    private let isNegated: Bool
    private let ignoresCase: Bool
    /// For each ASCII scalar, whether it is in the set.
    private var ascii: (UInt64, UInt64) = (0, 0)

    init(_ items: [Item], isNegated: Bool = false, ignoresCase: Bool = false) {
        self.items = items
        self.isNegated = isNegated
        self.ignoresCase = ignoresCase
        for value in UInt8(0)..<128 where find(Unicode.Scalar(value)) {
            if value < 64 { ascii.0 |= 1 << UInt64(value) } else { ascii.1 |= 1 << UInt64(value - 64) }
        }
    }

    init(_ scalar: Unicode.Scalar, ignoresCase: Bool) {
        self.init([.range(scalar.value...scalar.value)], ignoresCase: ignoresCase)
    }

    @inline(__always)
    func contains(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 64 { return ascii.0 >> UInt64(scalar.value) & 1 == 1 }
        if scalar.value < 128 { return ascii.1 >> UInt64(scalar.value - 64) & 1 == 1 }
        return find(scalar)
    }

    private func find(_ scalar: Unicode.Scalar) -> Bool {
        var isFound = items.contains { $0.contains(scalar) }
        if !isFound, ignoresCase {
            isFound = scalar.caseVariants.contains { v in items.contains { $0.contains(v) } }
        }
        return isFound != isNegated
    }

    static func == (left: ScalarSet, right: ScalarSet) -> Bool {
        left.items == right.items && left.isNegated == right.isNegated
            && left.ignoresCase == right.ignoresCase
    }
}

extension ScalarSet.Item {
    fileprivate func contains(_ scalar: Unicode.Scalar) -> Bool {
        switch self {
        case .range(let range): range.contains(scalar.value)
        case .categories(let mask): GeneralCategories.bit(of: scalar) & mask != 0
        case .whitespace: UnicodeClasses.isWhitespace(scalar)
        case .word(let isInBrackets):
            UnicodeClasses.isPatternWord(scalar) && !(isInBrackets && UnicodeClasses.isLatinNumber(scalar))
        case .not(let set): !set.contains(scalar)
        }
    }
}

extension Unicode.Scalar {
    /// The scalars that differ from this one in case only.
    fileprivate var caseVariants: [Unicode.Scalar] {
        let upper = Array(properties.uppercaseMapping.unicodeScalars)
        let lower = Array(properties.lowercaseMapping.unicodeScalars)
        var result = (upper.count == 1 ? upper : []) + (lower.count == 1 ? lower : [])
        if upper.count == 1 {
            let folded = Array(upper[0].properties.lowercaseMapping.unicodeScalars)
            if folded.count == 1 { result += folded }
        }
        return result
    }
}
