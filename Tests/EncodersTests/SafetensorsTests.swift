import Encoders
import Foundation
import TestSupport
import Testing

/// A file of one header text and `count` bytes of data 0, 1, 2, ...
private func file(_ header: String, data count: Int) -> Data {
    var length = UInt64(header.utf8.count).littleEndian
    return withUnsafeBytes(of: &length) { Data($0) } + Data(header.utf8)
        + Data((0..<count).map { UInt8($0 & 255) })
}

/// The same with a header length that may be wrong.
private func file(headerLength: UInt64, _ rest: String) -> Data {
    withUnsafeBytes(of: headerLength.littleEndian) { Data($0) } + Data(rest.utf8)
}

@Suite struct SafetensorsTests {
    @Test func writtenTensorsReadBack() throws {
        let directory = try TemporaryDirectory()
        let url = directory.url.appendingPathComponent("w.safetensors")
        let values: [Float] = [1.5, -2, .infinity, 0, Float.leastNonzeroMagnitude, 3]
        let tensors = [
            SafetensorsEntry(name: "b", dataType: .f32, shape: [2, 3]),
            SafetensorsEntry(name: "a/ü\"", dataType: .f32, shape: []),
            SafetensorsEntry(name: "empty", dataType: .f32, shape: [0, 4]),
            SafetensorsEntry(name: "ids", dataType: .i64, shape: [2]),
        ]
        func write(_ tensors: [SafetensorsEntry]) throws {
            try SafetensorsWriter.write(tensors, metadata: ["format": "pt", "who": "test"], to: url) {
                tensor, sink in
                switch tensor.name {
                case "b":  // in two pieces
                    try values[..<2].withUnsafeBytes { try sink($0) }
                    try values[2...].withUnsafeBytes { try sink($0) }
                case "ids": try [Int64(-5), 1 << 40].withUnsafeBytes { try sink($0) }
                case "empty": break
                default: try [Float(7)].withUnsafeBytes { try sink($0) }
                }
            }
        }
        try write(tensors)
        let bytes = try Data(contentsOf: url)
        #expect(bytes.withUnsafeBytes { $0.load(as: UInt64.self) } % 8 == 0)
        let read = try SafetensorsFile(url)
        #expect(read.entries.map(\.name) == ["ids", "a/ü\"", "b", "empty"], "widest first, then by name")
        #expect(read.metadata == ["format": "pt", "who": "test"])
        #expect(try read.floats(named: "b") == values)
        #expect(try read.floats(named: "a/ü\"") == [7])
        #expect(try read.floats(named: "empty").isEmpty)
        #expect(try read.integers(named: "ids") == [-5, 1 << 40])
        try write(tensors.reversed())
        #expect(try Data(contentsOf: url) == bytes, "the order of the arguments does not show")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.url.path) == ["w.safetensors"])
    }

    @Test(
        arguments: [
            (SafetensorsDataType.f32, [0, 0, 0xC0, 0x3F, 0, 0, 0, 0xC0], [1.5, -2]),
            (.f64, [0, 0, 0, 0, 0, 0, 0xF8, 0x3F], [1.5]),
            (.f16, [0x00, 0x3E, 0x01, 0x00, 0x00, 0xFC], [1.5, 5.9604645e-8, -.infinity]),
            (.bf16, [0xC0, 0x3F, 0x00, 0xC0], [1.5, -2]),
            (.i64, [254, 255, 255, 255, 255, 255, 255, 255], [-2]),
            (.i32, [254, 255, 255, 255], [-2]),
            (.i16, [254, 255, 0, 1], [-2, 256]),
            (.i8, [254, 3], [-2, 3]),
            (.u8, [254, 3], [254, 3]),
            (.bool, [0, 1, 2], [0, 1, 1]),
        ] as [(SafetensorsDataType, [UInt8], [Float])])
    func everyTypeConverts(type: SafetensorsDataType, bytes: [UInt8], expected: [Float]) throws {
        let directory = try TemporaryDirectory()
        // A header of odd length, so that the data is not aligned.
        let header =
            #"{"t":{"dtype":"\#(type.rawValue)","shape":[\#(expected.count)],"data_offsets":[0,\#(bytes.count)]}}"#
        let odd = header.utf8.count % 2 == 0 ? header + " " : header
        let read = try SafetensorsFile(
            URL(fileURLWithPath: directory.write("t.safetensors", file(odd, data: 0) + Data(bytes))))
        #expect(try read.floats(named: "t") == expected)
        #expect(try read.withBytes(named: "t") { Array($0) } == bytes)
        let isInteger = ![.f64, .f32, .f16, .bf16].contains(type)
        let failure = message { _ = try read.integers(named: "t") }
        #expect((failure == nil) == isInteger)
    }

    static let f32 = #""dtype":"F32","shape":[2],"data_offsets""#

    @Test(arguments: [
        (Data(), ["has 0 bytes, expected at least the 8"]),
        (Data([1, 2, 3]), ["has 3 bytes"]),
        (file(headerLength: .max, "{}"), ["header length 18446744073709551615 exceeds the limit"]),
        (file(headerLength: 1 << 40, "{}"), ["exceeds the limit of 100000000"]),
        (file(headerLength: 3000, "{}"), ["header length 3000 exceeds the 2 bytes that follow"]),
        (file(headerLength: 0, ""), ["not valid JSON"]),
        (file("{\"t\":", data: 0), ["not valid JSON"]),
        (file("[]", data: 0), ["the header is an array, expected an object"]),
        (file(#"{"__metadata__":{"a":1}}"#, data: 0), ["__metadata__ holds a number"]),
        (file(#"{"t":5}"#, data: 0), ["'t' is a number, expected an object"]),
        (file(#"{"t":{"shape":[2],"data_offsets":[0,8]}}"#, data: 8), ["'t' has no dtype"]),
        (
            file(#"{"t":{"dtype":"F9_E4M3","shape":[8],"data_offsets":[0,8]}}"#, data: 8),
            ["F9_E4M3", "expected one of"]
        ),
        (file(#"{"t":{"dtype":"F32","data_offsets":[0,8]}}"#, data: 8), ["'t' has no shape"]),
        (file(#"{"t":{"dtype":"F32","shape":[2]}}"#, data: 8), ["'t' has no data_offsets"]),
        (file(#"{"t":{\#(f32):[8,0]}}"#, data: 8), ["begin <= end"]),
        (file(#"{"t":{\#(f32):[-8,0]}}"#, data: 8), ["begin <= end"]),
        (file(#"{"t":{\#(f32):[0,12]}}"#, data: 12), ["12 bytes of data, expected 8 for F32 of shape [2]"]),
        (
            file(#"{"t":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, data: 8),
            ["impossible shape [-2]"]
        ),
        (
            file(#"{"t":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, data: 0),
            ["impossible shape"]
        ),
        (
            file(#"{"t":{\#(f32):[0,8]}}"#, data: 5),
            ["truncated: tensor 't' needs", "at least 70 bytes", "has 67"]
        ),
        (
            file(#"{"a":{\#(f32):[0,8]},"b":{\#(f32):[4,12]}}"#, data: 12),
            ["'b' overlaps 'a'", "byte 4", "expected 8"]
        ),
        (file(#"{"a":{\#(f32):[0,8]},"b":{\#(f32):[9,17]}}"#, data: 17), ["'b' leaves a hole after 'a'"]),
        (file(#"{"t":{\#(f32):[0,8]}}"#, data: 11), ["3 bytes follow the last tensor"]),
    ])
    func damagedFilesAreRefused(contents: Data, parts: [String]) throws {
        let directory = try TemporaryDirectory()
        let url = URL(fileURLWithPath: try directory.write("bad.safetensors", contents))
        let text = try #require(message { _ = try SafetensorsFile(url) })
        #expect(text.contains("bad.safetensors: ") && !text.contains("\n"))
        for part in parts { #expect(text.contains(part), "\(text)") }
    }

    /// Cutting a real file anywhere is noticed, and no cut crashes.
    @Test func everyTruncationIsNoticed() throws {
        let directory = try TemporaryDirectory()
        let url = directory.url.appendingPathComponent("w.safetensors")
        let tensor = SafetensorsEntry(name: "t", dataType: .f32, shape: [3])
        try SafetensorsWriter.write([tensor], to: url) {
            try [Float](repeating: 1, count: $0.count).withUnsafeBytes($1)
        }
        let whole = try Data(contentsOf: url)
        for length in 0..<whole.count {
            let cut = URL(fileURLWithPath: try directory.write("cut.safetensors", whole.prefix(length)))
            #expect(throws: SafetensorsError.self) { try SafetensorsFile(cut) }
        }
    }

    @Test func unreadablePathsAreNamed() throws {
        let directory = try TemporaryDirectory()
        let absent = directory.url.appendingPathComponent("none.safetensors")
        #expect(
            message { _ = try SafetensorsFile(absent) }
                == "\(absent.path): cannot be read: No such file or directory")
        #expect(message { _ = try SafetensorsFile(directory.url) }?.hasSuffix("not a regular file") == true)
    }

    @Test func unknownTensorNamesTheNearest() throws {
        let directory = try TemporaryDirectory()
        let header = #"{"classifier.weight":{\#(Self.f32):[0,8]}}"#
        let read = try SafetensorsFile(
            URL(fileURLWithPath: directory.write("t.safetensors", file(header, data: 8))))
        let text = message { _ = try read.floats(named: "clasifier.weight") }
        #expect(text?.hasSuffix("no tensor 'clasifier.weight'; did you mean 'classifier.weight'?") == true)
    }

    @Test func aFailedWriteLeavesTheOldFile() throws {
        struct Interrupted: Error {}
        let directory = try TemporaryDirectory()
        let url = URL(fileURLWithPath: try directory.write("w.safetensors", "old"))
        let tensor = SafetensorsEntry(name: "t", dataType: .f32, shape: [2])
        #expect(throws: Interrupted.self) {
            try SafetensorsWriter.write([tensor], to: url) { _, sink in
                try [Float(1)].withUnsafeBytes { try sink($0) }
                throw Interrupted()
            }
        }
        let short = message {
            try SafetensorsWriter.write([tensor], to: url) { _, sink in
                try [Float(1)].withUnsafeBytes { try sink($0) }
            }
        }
        #expect(short?.contains("'t' was given 4 bytes, expected 8") == true)
        #expect(try String(contentsOf: url, encoding: .utf8) == "old")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.url.path) == ["w.safetensors"])
    }

    @Test func badArgumentsOfTheWriterAreRefused() throws {
        let directory = try TemporaryDirectory()
        let url = directory.url.appendingPathComponent("w.safetensors")
        let tensor = SafetensorsEntry(name: "t", dataType: .f32, shape: [1])
        for tensors in [
            [tensor, tensor], [SafetensorsEntry(name: "__metadata__", dataType: .f32, shape: [1])],
            [SafetensorsEntry(name: "t", dataType: .f32, shape: [-1])],
        ] {
            #expect(throws: SafetensorsError.self) {
                try SafetensorsWriter.write(tensors, to: url) { _, _ in }
            }
        }
        let nowhere = directory.url.appendingPathComponent("no/such/w.safetensors")
        let text = message { try SafetensorsWriter.write([], to: nowhere) { _, _ in } }
        #expect(text == "\(nowhere.path): cannot be written: No such file or directory")
    }
}
