/// HF's `StripAccents`: drops marks of any kind, which must stand apart from their letters already.
enum StripAccentsNormalizer {
    static func apply<Text: PipelineText>(to text: Text, into output: inout Text) {
        text.bytes.withUnsafeBufferPointer { bytes in
            UTF8Scalar.forEach(in: bytes) { scalar, place in
                if scalar.value < 0x300 || !UnicodeClasses.isMark(scalar) {
                    output.append(scalar, from: place, of: text)
                }
            }
        }
    }
}
