import Foundation
import Text

/// The tokenised documents of a pre-training run.
struct PretrainingText {
    let train: TokenDocuments
    let heldOut: TokenDocuments?
    /// Changes when the text, its tokens, or what is held out does.
    let fingerprint: String

    /// Tokenises the files, or opens the tokens of an earlier run.
    init(_ config: TrainingConfig, _ tokenizer: WordPieceTokenizer) throws {
        let directory = config.resolve(config.tokenDirectory ?? config.outputDirectory + "/tokens")
        func prepare(_ files: [String], _ name: String) throws -> TokenFile {
            try TokenFile.prepare(
                files.map(config.dataPath), tokenizer: tokenizer, at: "\(directory)/\(name).tokens")
        }
        let all = TokenDocuments(try prepare(config.textFiles, "train"))
        if !config.heldOutFiles.isEmpty {
            train = all
            heldOut = TokenDocuments(try prepare(config.heldOutFiles, "heldout"))
        } else if config.heldOutShare > 0 {
            (train, heldOut) = all.holdingOut(share: config.heldOutShare)
        } else {
            (train, heldOut) = (all, nil)
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
}
