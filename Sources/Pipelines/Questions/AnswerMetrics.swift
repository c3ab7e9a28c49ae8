/// How good answers are, as the official scripts of SQuAD measure it: texts are compared in lower case, without punctuation and
/// the articles a, an and the. Shares are from 0 to 1; the scripts print percentages.
public struct AnswerMetrics: Hashable, Sendable {
    /// Questions of one kind.
    public struct Part: Hashable, Sendable {
        /// How many there are.
        public private(set) var count = 0
        fileprivate private(set) var exact = 0
        fileprivate private(set) var overlap = 0.0

        /// Share of the questions whose answer is one of the right ones.
        public var exactMatch: Double { count == 0 ? 0 : Double(exact) / Double(count) }
        /// Mean over questions of the F1 of the answer's words, against the right answer for which it is greatest.
        public var f1: Double { count == 0 ? 0 : overlap / Double(count) }

        fileprivate mutating func add(exact isExact: Bool, f1: Double) {
            count += 1
            exact += isExact ? 1 : 0
            overlap += f1
        }
    }

    /// All questions.
    public private(set) var all = Part()
    /// Questions that their context answers, and those that it does not, of data that have both; as SQuAD 2.0.
    public private(set) var answerable: Part?
    /// Questions that their context does not answer.
    public private(set) var unanswerable: Part?

    /// - Parameter hasUnanswerable: whether the data are of the kind of SQuAD 2.0, whose script scores empty texts otherwise.
    package init(hasUnanswerable: Bool) {
        if hasUnanswerable { (answerable, unanswerable) = (Part(), Part()) }
    }

    /// Counts a question.
    /// - Parameters:
    ///   - answer: what the model says; empty for no answer.
    ///   - right: the right answers; none where the context has none.
    package mutating func add(_ answer: String, right: [String]) {
        let given = AnswerWords(answer)
        var words = right.map(AnswerWords.init)
        if answerable != nil {
            // The script of SQuAD 2.0 leaves out what nothing is left of.
            words.removeAll { $0.isEmpty }
            if words.isEmpty { words = [AnswerWords("")] }
        }
        let isExact = words.contains(given)
        let f1 = words.map { given.f1(with: $0, countsEmpty: answerable != nil) }.max() ?? 0
        all.add(exact: isExact, f1: f1)
        if right.isEmpty {
            unanswerable?.add(exact: isExact, f1: f1)
        } else {
            answerable?.add(exact: isExact, f1: f1)
        }
    }
}

/// The words of an answer that are compared.
private struct AnswerWords: Equatable {
    private let words: [String]

    var isEmpty: Bool { words.isEmpty }

    init(_ text: String) {
        var scalars = String.UnicodeScalarView()
        for scalar in text.lowercased().unicodeScalars where !Self.isPunctuation(scalar) {
            scalars.append(scalar)
        }
        words = Self.withoutArticles(scalars).split(whereSeparator: Self.isSpace).map { String($0) }
    }

    static func == (a: Self, b: Self) -> Bool {
        a.words.count == b.words.count && zip(a.words, b.words).allSatisfy { Self.areSame($0, $1) }
    }

    /// 2 common / (words of both).
    func f1(with other: Self, countsEmpty: Bool) -> Double {
        if countsEmpty, isEmpty || other.isEmpty { return isEmpty && other.isEmpty ? 1 : 0 }
        var left: [[UInt32]: Int] = [:]
        for word in other.words { left[Self.key(word), default: 0] += 1 }
        var common = 0
        for word in words {
            guard let count = left[Self.key(word)], count > 0 else { continue }
            left[Self.key(word)] = count - 1
            common += 1
        }
        guard common > 0 else { return 0 }
        let (precision, recall) = (
            Double(common) / Double(words.count), Double(common) / Double(other.words.count)
        )
        return 2 * precision * recall / (precision + recall)
    }

    /// Python's equality: of code points.
    private static func areSame(_ a: String, _ b: String) -> Bool {
        a.unicodeScalars.elementsEqual(b.unicodeScalars)
    }

    private static func key(_ word: String) -> [UInt32] { word.unicodeScalars.map(\.value) }

    /// ASCII's punctuation and symbols.
    private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: true
        default: false
        }
    }

    /// What Python's `split` takes for blanks.
    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
    }

    /// Letters and digits: what Python's `\b` stands beside.
    private static func isInWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .decimalNumber, .letterNumber, .otherNumber:
            true
        default: scalar == "_"
        }
    }

    /// A blank in the place of each article that is a word of its own.
    private static func withoutArticles(
        _ scalars: String.UnicodeScalarView
    ) -> String.UnicodeScalarView {
        var result = String.UnicodeScalarView()
        var word = String.UnicodeScalarView()
        func flush() {
            if ["a", "an", "the"].contains(where: { $0.unicodeScalars.elementsEqual(word) }) {
                result.append(" ")
            } else {
                result.append(contentsOf: word)
            }
            word = String.UnicodeScalarView()
        }
        for scalar in scalars {
            if isInWord(scalar) {
                word.append(scalar)
            } else {
                flush()
                result.append(scalar)
            }
        }
        flush()
        return result
    }
}
