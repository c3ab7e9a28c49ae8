/// HF's `Lowercase`: each scalar's full lower-case mapping, without regard to its neighbours.
enum LowercaseNormalizer {
    static func apply<Text: PipelineText>(to text: Text, into output: inout Text) {
        text.bytes.withUnsafeBufferPointer { bytes in
            UTF8Scalar.forEach(in: bytes) { scalar, place in
                if scalar.value < 0x80 {
                    let isUpper = (0x41...0x5A).contains(scalar.value)
                    output.append(UInt8(scalar.value) | (isUpper ? 0x20 : 0), from: place, of: text)
                } else {
                    output.append(
                        contentsOf: scalar.properties.lowercaseMapping.utf8, from: place, of: text)
                }
            }
        }
    }
}
