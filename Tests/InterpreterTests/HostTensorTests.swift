import GraphIR
import Interpreter
import Testing

@Suite("Host tensors")
struct HostTensorTests {
    @Test(
        "values become little-endian bytes and come back",
        arguments: [
            (.f32, [1, -2.5], [0, 0, 0x80, 0x3F, 0, 0, 0x20, 0xC0]),
            (.bf16, [1, -2], [0x80, 0x3F, 0, 0xC0]),
            (.f16, [1, -2, 65504], [0, 0x3C, 0, 0xC0, 0xFF, 0x7B]),
            (.i32, [258, -1], [2, 1, 0, 0, 255, 255, 255, 255]),
            (.i64, [-2], [254, 255, 255, 255, 255, 255, 255, 255]), (.bool, [0, 1], [0, 1]),
        ] as [(ElementType, [Double], [UInt8])])
    func bytes(element: ElementType, values: [Double], bytes: [UInt8]) throws {
        let tensor = HostTensor(element: element, shape: [values.count], values: values)
        #expect(tensor.bytes == bytes)
        #expect(try HostTensor(element: element, shape: [values.count], bytes: bytes) == tensor)
    }

    @Test("bytes that do not fill the shape are refused")
    func wrongByteCount() {
        #expect(throws: InterpreterError("f32[2, 2] takes 16 bytes, got 15")) {
            try HostTensor(element: .f32, shape: [2, 2], bytes: Array(repeating: 0, count: 15))
        }
    }

    /// bf16 keeps 8 significant bits: around 1 its step is 2^-7, around 256 it is 2.
    @Test(
        "rounding is to the nearest, ties to even",
        arguments: [
            (.bf16, 1 + 0x1p-8, 1), (.bf16, 1 + 3 * 0x1p-8, 1 + 0x1p-6), (.bf16, 257, 256), (.bf16, 259, 260),
            // Just above a tie: rounding to Float first would lose the excess and then round down.
            (.bf16, 1 + 0x1p-8 + 0x1p-40, 1 + 0x1p-7), (.bf16, -(1 + 0x1p-8 + 0x1p-40), -(1 + 0x1p-7)),
            (.bf16, 3.4e38, .infinity), (.bf16, 0x1p-133, 0x1p-133), (.bf16, 0x1p-135, 0),
            (.bf16, -.infinity, -.infinity),
            (.f16, 1 + 0x1p-11, 1), (.f16, 1 + 0x1p-11 + 0x1p-40, 1 + 0x1p-10), (.f16, 65520, .infinity),
            (.f32, 1 + 0x1p-24, 1), (.f32, 16_777_217, 16_777_216),
            (.i32, -2.9, -2), (.i32, 1e10, 2_147_483_647), (.i32, .nan, 0), (.i64, -1e30, -0x1p63),
            (.bool, -3, 1),
        ] as [(ElementType, Double, Double)])
    func rounding(element: ElementType, value: Double, rounded: Double) {
        #expect(element.rounded(value) == rounded)
        #expect(HostTensor.scalar(value, element).rounded.values == [rounded])
    }

    @Test("NaN stays NaN in every float type", arguments: [ElementType.f32, .bf16, .f16])
    func nan(element: ElementType) throws {
        let bytes = HostTensor.scalar(.nan, element).bytes
        #expect(try HostTensor(element: element, shape: [], bytes: bytes).values[0].isNaN)
    }

    @Test("every bf16 and f16 bit pattern survives a round trip", arguments: [ElementType.bf16, .f16])
    func allPatterns(element: ElementType) throws {
        let bytes = (0..<1 << 16).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        let tensor = try HostTensor(element: element, shape: [1 << 16], bytes: bytes)
        let again = try HostTensor(element: element, shape: [1 << 16], bytes: tensor.bytes)
        let same = zip(tensor.values, again.values).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
        #expect(same)
    }
}
