import Foundation
import Support
import Text

/// The tokenised documents of a pre-training run.
struct PretrainingText {
    let train: TokenDocuments
    let heldOut: TokenDocuments?
    /// Changes when the text, its tokens, or what is held out does.
    let fingerprint: String

    /// Tokenises the files, or opens the tokens of an earlier run.
    init(_ config: TrainingConfig, _ tokenizer: any Tokenizer) throws {
        let directory = config.resolve(
            config.pretraining.tokenDirectory ?? config.output.directory + "/tokens")
        func prepare(_ files: [String], _ name: String) throws -> TokenFile {
            try TokenFile.prepare(
                files.map(config.dataPath), tokenizer: tokenizer, at: "\(directory)/\(name).tokens")
        }
        let all = TokenDocuments(try prepare(config.pretraining.textFiles, "train"))
        if !config.pretraining.heldOutFiles.isEmpty {
            train = all
            heldOut = TokenDocuments(try prepare(config.pretraining.heldOutFiles, "heldout"))
        } else if config.pretraining.heldOutShare > 0 {
            (train, heldOut) = all.holdingOut(share: config.pretraining.heldOutShare)
        } else {
            (train, heldOut) = (all, nil)
        }
        try Self.check(
            train, of: config.pretraining.textFiles,
            heldOut: config.pretraining.heldOutFiles.isEmpty ? all.documents.count - train.documents.count : 0
        )
        if !config.pretraining.heldOutFiles.isEmpty, let heldOut {
            try Self.check(heldOut, of: config.pretraining.heldOutFiles, heldOut: 0)
        }
        fingerprint = Self.fingerprint(train)
    }

    static func fingerprint(_ documents: TokenDocuments) -> String {
        var fingerprint = Fingerprint()
        let file = documents.file
        for number in [file.sources, file.tokenizer, UInt64(documents.documents.count)] {
            withUnsafeBytes(of: number.littleEndian) { fingerprint.add($0) }
        }
        return fingerprint.text
    }

    /// - Throws: `.emptyDataset`, naming the texts: the other sentence of a pair comes from another document.
    private static func check(_ documents: TokenDocuments, of files: [String], heldOut: Int) throws(TextError)
    {
        let count = documents.documents.count
        guard count < 2 else { return }
        throw TextError(
            .emptyDataset, file: files.map(DataPath.name).joined(separator: ", "),
            "has \(Formatted.count(count + heldOut, "document"))"
                + (heldOut > 0
                    ? ", of which \(heldOut) \(heldOut == 1 ? "is" : "are") held out ('heldOutShare')" : "")
                + "; expected at least two to train on, with blank lines between them")
    }
}
