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
        ([0xD0, 0xCF, 0x11, 0xE0], "an Excel workbook in the old format", "save the sheet as CSV"),
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
        ([0xFF, 0xFE, 0, 0], "UTF-32 text", "save it as UTF-8: iconv -f utf-32 -t utf-8"),
        ([0, 0, 0xFE, 0xFF], "UTF-32 text", "save it as UTF-8: iconv -f utf-32 -t utf-8"),
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
            return "is \(signature.name), which bertc does not read; \(signature.advice)"
        }
        let tar = Array("ustar".utf8)
        if bytes.count > 262, bytes[257..<262].elementsEqual(tar) {
            return "is a tar archive, which bertc does not read; unpack it and name one of its files"
        }
        if let encoding = wideEncoding(of: bytes) {
            return
                "is \(encoding.prefix(6)) text, which bertc does not read; save it as UTF-8: iconv -f \(encoding.lowercased()) -t utf-8"
        }
        return nil
    }

    /// The encoding of two or four bytes a character that the places of zero bytes tell, without a byte-order mark.
    private static func wideEncoding(of bytes: [UInt8]) -> String? {
        guard bytes.count >= 4, bytes.count.isMultiple(of: 2) else { return nil }
        let sample = bytes.prefix(4096)
        var zeros = [0, 0, 0, 0]
        for (index, byte) in sample.enumerated() where byte == 0 { zeros[index % 4] += 1 }
        let (even, odd) = (zeros[0] + zeros[2], zeros[1] + zeros[3])
        let quarter = sample.count / 4
        // Characters of UTF-32 are below 0x11_0000, and most are below 0x1_0000.
        if bytes.count.isMultiple(of: 4) {
            if zeros[3] == quarter, zeros[2] * 2 > quarter, zeros[0] * 2 < quarter { return "UTF-32LE" }
            if zeros[0] == quarter, zeros[1] * 2 > quarter, zeros[3] * 2 < quarter { return "UTF-32BE" }
        }
        // In UTF-16 spaces, line ends and letters of English have their zero on the same side throughout.
        guard even + odd > 1, (even + odd) * 40 > sample.count else { return nil }
        return even == 0 ? "UTF-16LE" : odd == 0 ? "UTF-16BE" : nil
    }
}
