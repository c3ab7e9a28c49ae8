import GraphCompiler
import Pipelines
import Text

extension ModelSource {
    /// Tokenises pairs of texts of a file, each with its line.
    ///
    /// - Throws: `TextError` with file and line of texts that cannot be cut; `ModelError` for a model that takes no pairs.
    func encode(
        _ count: Int, file: String, _ training: TrainingConfig, maxLength: Int,
        _ pair: (Int) -> (texts: TextPair, line: Int)
    ) throws -> [Encoding] {
        guard config.acceptedTokenTypes >= tokenizer.tokenTypes(isPair: true) else {
            throw ModelError(
                .invalidModel,
                "has only one token type, but the task \"\(training.task.rawValue)\" has pairs of texts",
                at: path)
        }
        let pairs = (0..<count).map(pair)
        return try Compiler.tasks(threads: training.machine.threads).map(
            count,
            throwing: { index in
                let (texts, line) = pairs[index]
                do throws(TextError) {
                    return try tokenizer.encode(
                        texts.text, pair: texts.pair, maxLength: maxLength,
                        truncation: training.data.truncation)
                } catch {
                    throw TextError(error.kind, file: file, line: line, error.message)
                }
            })
    }
}
