extension PipelineTokenizer {
    package func text(joining tokens: [String], cleanUp: Bool) -> String {
        parts.decoding.text(joining: tokens, cleanUp: cleanUp)
    }
}
