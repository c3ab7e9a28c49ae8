/// One tokenised example, special tokens included and nothing padded.
package struct Encoding: Sendable, Equatable {
    /// Token ids, `[CLS] text [SEP]` or `[CLS] text [SEP] pair [SEP]`.
    package var ids: [Int32]
    /// 0 up to and including the first `[SEP]`, 1 for the pair and its `[SEP]`; as many as `ids`.
    package var typeIDs: [Int32]

    package init(ids: [Int32], typeIDs: [Int32]) {
        self.ids = ids
        self.typeIDs = typeIDs
    }

    package var count: Int { ids.count }
}
