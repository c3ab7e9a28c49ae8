/// Kept pairs one by one, for sequences of up to `size` tokens.
public struct MaskBits: Hashable, Sendable {
    /// Rows and columns: the longest sequence that the mask is for.
    public let size: Int
    /// Rows of whole words; key j is bit j mod 64 of word j / 64.
    private var words: [UInt64]

    private var stride: Int { (size + 63) / 64 }

    /// No pair.
    public init(size: Int) {
        self.size = size
        words = Array(repeating: 0, count: size * ((size + 63) / 64))
    }

    /// - Precondition: `query` is below the size. A key beyond it is not kept.
    public subscript(query: Int, key: Int) -> Bool {
        get { key < size && words[query * stride + key / 64] >> (key % 64) & 1 == 1 }
        set {
            let bit: UInt64 = 1 << (key % 64)
            if newValue {
                words[query * stride + key / 64] |= bit
            } else {
                words[query * stride + key / 64] &= ~bit
            }
        }
    }

    /// The kept keys of a query as stretches of neighbours.
    func runs(of query: Int) -> [KeyRun] {
        var runs: [KeyRun] = []
        for key in 0..<size where query < size && self[query, key] {
            if let last = runs.last?.last, last == key - 1 {
                runs[runs.count - 1].last = key
            } else {
                runs.append(KeyRun(first: key, last: key))
            }
        }
        return runs
    }

    // MARK: Text

    /// Hex digits of a row: eight keys a byte, the first in its highest bit, zero beyond the last.
    fileprivate func hexRow(_ query: Int) -> String {
        let digits = Array("0123456789abcdef")
        return String(
            (0..<(size + 7) / 8 * 2).map { digit in
                digits[(0..<4).reduce(0) { $0 * 2 + (self[query, digit * 4 + $1] ? 1 : 0) }]
            })
    }

    /// All rows, one behind another.
    var hex: String { (0..<size).map(hexRow).joined() }

    /// `nil` when the digits are not `size` rows.
    init?(size: Int, hex: some StringProtocol) {
        let width = (size + 7) / 8
        guard let bytes = decodeHex(hex), bytes.count == size * width else { return nil }
        self.init(size: size)
        for query in 0..<size {
            for key in 0..<width * 8 where bytes[query * width + key / 8] >> (7 - key % 8) & 1 == 1 {
                guard key < size else { return nil }
                self[query, key] = true
            }
        }
    }
}

/// The bytes that pairs of hex digits stand for.
func decodeHex(_ text: some StringProtocol) -> [UInt8]? {
    let digits = text.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count % 2 == 0, !digits.contains(nil) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { place -> UInt8 in
        let (high, low) = (digits[place] ?? 0, digits[place + 1] ?? 0)
        return UInt8(high * 16 + low)
    }
}

extension AttentionMask {
    /// Reads a mask file: a row of the mask a line, as hex digits with eight keys a byte, the first key in a byte's
    /// highest bit; rows end in zeros up to a whole byte. A mask for each head has a line that starts with `#` before
    /// each; blank lines mean nothing.
    ///
    /// - Throws: `IRError` with `file:line` as its place.
    package init(parsingFile text: String, file: String) throws(IRError) {
        var masks: [(line: Int, rows: [Substring])] = []
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .enumerated()
        {
            let isHeading = line.hasPrefix("#")
            if isHeading, masks.last?.rows.isEmpty ?? true {
                masks = masks.dropLast() + [(number + 1, [])]
            } else if isHeading {
                masks.append((number + 1, []))
            } else if let row = line.split(whereSeparator: \.isWhitespace).first {
                if masks.isEmpty { masks.append((number + 1, [])) }
                masks[masks.count - 1].rows.append(row)
            }
        }
        guard !masks.isEmpty, masks.allSatisfy({ $0.rows.count == masks[0].rows.count }) else {
            throw IRError(
                "syntax", "expected one mask, or masks of equal size with a '#' line before each", at: file)
        }
        var patterns: [MaskPattern] = []
        for mask in masks {
            guard let bits = MaskBits(size: mask.rows.count, hex: mask.rows.joined()) else {
                let digits = (mask.rows.count + 7) / 8 * 2
                throw IRError(
                    "syntax",
                    "expected \(mask.rows.count) rows of \(digits) hex digits, \(mask.rows.count) bits each",
                    at: "\(file):\(mask.line)")
            }
            patterns.append(.bits(bits))
        }
        self.init(heads: patterns)
    }

    /// The text of a mask file; `nil` when a pattern is not of single pairs.
    package var fileText: String? {
        var lines: [String] = []
        for (head, pattern) in patterns.enumerated() {
            guard case .bits(let bits) = pattern else { return nil }
            if patterns.count > 1 { lines.append("# head \(head)") }
            lines += (0..<bits.size).map(bits.hexRow)
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
