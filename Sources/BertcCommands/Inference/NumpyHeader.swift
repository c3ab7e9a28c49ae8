/// The start of a `.npy` file, version 1.0, for a row-major matrix of little-endian float32.
///
/// `\x93NUMPY`, two version bytes, the header's length in two bytes, then a Python dictionary padded with
/// spaces so that the data starts at a multiple of 64 (numpy.lib.format).
struct NumpyHeader {
    let rows: Int
    let columns: Int

    var bytes: [UInt8] {
        var text = Array("{'descr': '<f4', 'fortran_order': False, 'shape': (\(rows), \(columns)), }".utf8)
        let prefix = 10
        while (prefix + text.count + 1) % 64 != 0 { text.append(UInt8(ascii: " ")) }
        text.append(UInt8(ascii: "\n"))
        let length = [UInt8(text.count & 0xFF), UInt8(text.count >> 8)]
        return [0x93] + Array("NUMPY".utf8) + [1, 0] + length + text
    }
}
