extension Decoding {
    /// The `decoder` of a `tokenizer.json`.
    init(_ part: DocumentPart) throws(TextError) {
        steps = []
        for step in try part.steps(list: "decoders") { steps.append(try Step(step)) }
    }
}

extension Decoding.Step {
    fileprivate init(_ part: DocumentPart) throws(TextError) {
        switch try part.kind {
        case "WordPiece":
            self = .wordPiece(
                prefix: try part.string("prefix") ?? "##", cleansUp: try part.bool("cleanup") ?? true)
        case "ByteLevel": self = .byteLevel
        case "Metaspace": self = .metaspace(try MetaspaceSplitter(part))
        case "BPEDecoder": self = .suffix(try part.string("suffix") ?? "</w>")
        case "ByteFallback": self = .bytes
        case "Fuse": self = .fuse
        case "Strip":
            self = .strip(
                try part.scalar("content") ?? " ", start: try part.count("start") ?? 0,
                end: try part.count("stop") ?? 0)
        case "Replace":
            self = .replace(try part.pattern(), try part.need("content", part.string("content")))
        default:
            throw try part.unknownKind(
                "WordPiece, ByteLevel, Metaspace, BPEDecoder, ByteFallback, Fuse, Strip, Replace or a Sequence"
            )
        }
    }
}
