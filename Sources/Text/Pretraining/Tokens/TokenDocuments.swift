import Support

/// Some of the documents of a token file.
package struct TokenDocuments: Sendable {
    package let file: TokenFile
    /// Indices of documents, ascending.
    package let documents: [Int]

    package init(_ file: TokenFile, documents: [Int]) {
        self.file = file
        self.documents = documents
    }

    package init(_ file: TokenFile) { self.init(file, documents: Array(0..<file.documentCount)) }

    package var tokenCount: Int {
        documents.reduce(0) { sum, document in
            let sentences = file.sentences(ofDocument: document)
            guard !sentences.isEmpty else { return sum }
            return sum + file.tokens(ofSentence: sentences.upperBound - 1).upperBound
                - file.tokens(ofSentence: sentences.lowerBound).lowerBound
        }
    }

    /// Holds out about a share of the documents, whole ones. Which ones depends on nothing but their number, so that
    /// runs with other seeds are measured on the same text.
    ///
    /// - Parameter share: 0 to 1; a positive one holds out two documents at least.
    package func holdingOut(share: Double) -> (kept: TokenDocuments, heldOut: TokenDocuments) {
        var order = documents
        var generator = SplitMix64(seed: 0x6865_6C64)
        generator.shuffle(&order)
        let count = share > 0 ? min(order.count, max(2, Int(share * Double(order.count)))) : 0
        return (
            TokenDocuments(file, documents: order.dropFirst(count).sorted()),
            TokenDocuments(file, documents: order.prefix(count).sorted())
        )
    }
}
