import Support

/// What the values of a column look like, from some rows.
struct ColumnProfile {
    /// Rows that were looked at, and those with a value.
    private(set) var rows = 0
    private(set) var filled = 0
    private(set) var nested = 0
    /// How often each value occurs; whole numbers count as one however they are spelled.
    private(set) var values: [TextKey: Int] = [:]
    /// The first values, for messages.
    private(set) var shown: [String] = []
    private(set) var longest = 0
    private var (numbers, integers, singleTokens, codes, increasing, steps) = (0, 0, 0, 0, 0, 0)
    private var (words, length, letters, visible) = (0.0, 0, 0, 0)
    private var previous: Int?

    mutating func add(_ cell: DataCell) {
        rows += 1
        if case .nested(let kind) = cell {
            nested += 1
            if shown.count < 3 { shown.append(kind) }
        }
        guard let value = cell.label, !value.isEmpty else { return }
        filled += 1
        if shown.count < 3 { shown.append(value) }
        values[TextKey(value.wholeNumber ?? value), default: 0] += 1
        if Double(value)?.isFinite ?? false { numbers += 1 }
        if let number = Int(value) {
            integers += 1
            if let previous, number > previous { increasing += 1 }
            if let previous, number == previous + 1 { steps += 1 }
            previous = number
        }
        measure(value)
    }

    private mutating func measure(_ value: String) {
        var (tokens, dense, count, letterCount, digitCount, isInWord) = (0, 0, 0, 0, 0, false)
        for scalar in value.unicodeScalars {
            count += 1
            if scalar.properties.isWhitespace {
                isInWord = false
                continue
            }
            if !isInWord { tokens += 1 }
            isInWord = true
            visible += 1
            if scalar.properties.isAlphabetic { letterCount += 1 }
            if scalar.properties.numericType != nil { digitCount += 1 }
            if Self.isDense(scalar) { dense += 1 }
        }
        words += Double(tokens) + Double(dense) / 2
        letters += letterCount
        length += count
        longest = max(longest, count)
        if tokens == 1, dense < 4 {
            singleTokens += 1
            if digitCount > 0, letterCount > 0 || digitCount > 3 { codes += 1 }
        }
    }

    /// Scripts without spaces between words: Thai, Lao, Burmese, Khmer, Chinese, Japanese.
    private static func isDense(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF, 0x2E80...0xABFF, 0x20000...0x3FFFF: true
        default: false
        }
    }

    // MARK: What it may be

    var distinct: Int { values.count }
    var meanWords: Double { filled == 0 ? 0 : words / Double(filled) }
    var meanLength: Double { filled == 0 ? 0 : Double(length) / Double(filled) }
    var isEmpty: Bool { filled == 0 }
    var isNested: Bool { nested > 0 }
    var isConstant: Bool { rows > 2 && distinct == 1 && filled == rows }
    var isNumeric: Bool { filled > 0 && numbers == filled }
    var isInteger: Bool { filled > 0 && integers == filled }
    var areAllDifferent: Bool { distinct == filled }
    var areSingleTokens: Bool { filled > 0 && singleTokens == filled }
    /// Spellings of letters with digits, or long numbers: keys of something rather than words.
    var areCodes: Bool { filled > 0 && codes * 10 >= filled * 9 }

    /// Numbers of the rows, or of something that each row has one of.
    var isNumbering: Bool {
        guard isInteger, areAllDifferent, filled > 2 else { return false }
        return steps == filled - 1 || longest > 2 || increasing == filled - 1 && filled > 4
    }

    /// 0, 1, 2 and so on, or from 1.
    var numbersRows: Bool { isInteger && areAllDifferent && filled > 1 && steps == filled - 1 }

    /// Written language: several words, mostly letters, most of them different.
    var isText: Bool {
        guard filled > 0, !isNumeric, !isNested, !isConstant, meanWords >= 2,
            Double(letters) >= 0.55 * Double(visible)
        else { return false }
        return filled < 4 || meanWords >= 6 || distinct * 3 > filled
    }

    /// 0 for what may be a text; 1 for words alone, as keys, addresses and names of users or places are; 2 for
    /// numbers, dates and the same few words throughout.
    var distanceFromText: Int {
        if isNumeric || letters * 2 < visible || isConstant && meanWords < 3 { return 2 }
        let areAddresses = !shown.isEmpty && shown.allSatisfy { $0.contains("://") }
        return areAddresses || areCodes || rows > 2 && meanWords < 2 ? 1 : 0
    }

    /// How much the column looks like labels of the examples: 0 is not at all, 3 is that they recur.
    var labelStrength: Int {
        guard !isNested, filled * 2 >= rows, filled > 0, !isText, !isNumbering, longest <= 100, meanWords < 4
        else {
            return 0
        }
        if isConstant { return 1 }
        if !areAllDifferent, distinct <= max(2, filled / 2) || filled < 7 { return areCodes ? 2 : 3 }
        if rows > 2, isNumeric { return isInteger && longest <= 2 && filled <= 8 ? 1 : 0 }
        if rows > 2, !areSingleTokens { return 0 }
        return areCodes ? 1 : 2
    }

    /// How much the column looks like numbers to be predicted.
    var numberStrength: Int {
        guard isNumeric, filled * 2 >= rows, !isNumbering, !isConstant else { return 0 }
        return isInteger ? 1 : 2
    }
}
