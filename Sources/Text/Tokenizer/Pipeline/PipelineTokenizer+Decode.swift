extension PipelineTokenizer {
    package func text(joining tokens: [String], cleanUp: Bool) throws(TextError) -> String {
        try parts.decoding.text(joining: tokens, cleanUp: cleanUp)
    }
}
