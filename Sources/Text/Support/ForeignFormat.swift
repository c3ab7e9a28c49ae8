/// Formats that are recognised in order to be refused with what to do.
enum ForeignFormat {
    private static let pandas =
        "convert it, for example with pandas: to_json(\"data.jsonl\", orient=\"records\", lines=True)"

    /// The first bytes of a format, its name, and what to do.
    private static let signatures: [(bytes: [UInt8], name: String, advice: String)] = [
        (Array("PAR1".utf8), "a Parquet file", pandas),
        (Array("ARROW1".utf8), "an Arrow file", pandas),
        ([0xFF, 0xFF, 0xFF, 0xFF], "an Arrow stream", pandas),
        (Array("ORC".utf8), "an ORC file", pandas),
        ([0x4F, 0x62, 0x6A, 0x01], "an Avro file", pandas),
        (Array("SQLite format 3".utf8), "an SQLite database", pandas),
        ([0x89, 0x48, 0x44, 0x46], "an HDF5 file", pandas),
        (
            [0x50, 0x4B, 0x03, 0x04], "a ZIP archive or an Excel workbook",
            "unpack it, or save the sheet as CSV"
        ),
        ([0xD0, 0xCF, 0x11, 0xE0], "an Excel workbook of the old kind", "save the sheet as CSV"),
        (Array("%PDF".utf8), "a PDF document", "extract its text"),
        (
            [0x28, 0xB5, 0x2F, 0xFD], "compressed with zstd",
            "unpack it with unzstd, or compress it with gzip"
        ),
        (Array("BZh".utf8), "compressed with bzip2", "unpack it with bunzip2, or compress it with gzip"),
        (
            [0xFD, 0x37, 0x7A, 0x58, 0x5A], "compressed with xz",
            "unpack it with unxz, or compress it with gzip"
        ),
        ([0x37, 0x7A, 0xBC, 0xAF], "a 7z archive", "unpack it"),
        ([0x80, 0x04, 0x95], "a Python pickle", pandas),
        ([0xFF, 0xFE], "UTF-16 text", "save it as UTF-8: iconv -f utf-16 -t utf-8"),
        ([0xFE, 0xFF], "UTF-16 text", "save it as UTF-8: iconv -f utf-16 -t utf-8"),
    ]

    /// What the bytes are and what to do with them; `nil` when they may be text.
    static func refusal(of bytes: [UInt8]) -> String? {
        for signature in signatures where bytes.starts(with: signature.bytes) {
            // A text may begin with the letters of a signature; binary formats have zero bytes or no UTF-8 soon after.
            let isText = String(validating: signature.bytes, as: UTF8.self) != nil
            if isText, String(validating: bytes.prefix(4096).dropLast(3), as: UTF8.self) != nil,
                !bytes.prefix(4096).contains(0)
            {
                continue
            }
            return "is \(signature.name), which is not read; \(signature.advice)"
        }
        let tar = Array("ustar".utf8)
        if bytes.count > 262, bytes[257..<262].elementsEqual(tar) {
            return "is a tar archive, which is not read; unpack it and name one of its files"
        }
        return nil
    }
}
