/// What stands around the tokens of a text or a pair: the `post_processor` of a `tokenizer.json`.
package struct SequenceTemplate: Sendable, Equatable {
    package enum Part: Sendable, Equatable {
        case special(ids: [Int32], type: Int32)
        case text(type: Int32)
        case pair(type: Int32)

        var type: Int32 {
            switch self {
            case .special(_, let type), .text(let type), .pair(let type): type
            }
        }
    }

    /// For a text alone.
    package let single: [Part]
    /// For a text and its pair.
    package let pair: [Part]

    package init(single: [Part], pair: [Part]) {
        self.single = single
        self.pair = pair
    }

    /// Nothing around the texts.
    static let plain = SequenceTemplate(single: [.text(type: 0)], pair: [.text(type: 0), .pair(type: 1)])

    /// `[CLS] text [SEP]` and `[CLS] text [SEP] pair [SEP]`.
    static func bert(cls: Int32, sep: Int32) -> SequenceTemplate {
        let single: [Part] = [.special(ids: [cls], type: 0), .text(type: 0), .special(ids: [sep], type: 0)]
        return SequenceTemplate(
            single: single, pair: single + [.pair(type: 1), .special(ids: [sep], type: 1)])
    }

    /// `<s> text </s>` and `<s> text </s> </s> pair </s>`, all of type 0.
    static func roberta(cls: Int32, sep: Int32) -> SequenceTemplate {
        doubleSeparator(first: cls, last: sep)
    }

    /// One special token before a text and one after it; between a text and its pair two; all of type 0.
    static func doubleSeparator(first: Int32, last: Int32) -> SequenceTemplate {
        let single: [Part] = [
            .special(ids: [first], type: 0), .text(type: 0), .special(ids: [last], type: 0),
        ]
        return SequenceTemplate(
            single: single,
            pair: single + [
                .special(ids: [last], type: 0), .pair(type: 0), .special(ids: [last], type: 0),
            ])
    }

    /// With token type 0 everywhere, for models that are not given types.
    var withoutTypes: SequenceTemplate {
        func cleared(_ parts: [Part]) -> [Part] {
            parts.map { part in
                switch part {
                case .special(let ids, _): .special(ids: ids, type: 0)
                case .text: .text(type: 0)
                case .pair: .pair(type: 0)
                }
            }
        }
        return SequenceTemplate(single: cleared(single), pair: cleared(pair))
    }

    func parts(isPair: Bool) -> [Part] { isPair ? pair : single }

    /// The ids of all special tokens.
    var specialIDs: [Int32] { (single + pair).flatMap(\.specialIDs) }

    /// How many tokens stand around a text or a pair.
    package func specialCount(isPair: Bool) -> Int {
        parts(isPair: isPair).reduce(0) { $0 + $1.specialIDs.count }
    }

    /// How many tokens stand before a single text.
    var prefixCount: Int {
        single.prefix { if case .text = $0 { false } else { true } }.reduce(0) { $0 + $1.specialIDs.count }
    }

    /// Fills the template in.
    func encoding(_ text: ArraySlice<Int32>, pair: ArraySlice<Int32>?) -> Encoding {
        var encoding = Encoding(ids: [], typeIDs: [])
        for part in parts(isPair: pair != nil) {
            let ids: ArraySlice<Int32> =
                switch part {
                case .special(let ids, _): ids[...]
                case .text: text
                case .pair: pair ?? []
                }
            encoding.ids += ids
            encoding.typeIDs += repeatElement(part.type, count: ids.count)
        }
        return encoding
    }
}

extension SequenceTemplate.Part {
    var specialIDs: [Int32] { if case .special(let ids, _) = self { ids } else { [] } }
}
