import BertcCommands
import Foundation
import GraphCompiler
import Testing

@testable import ONNX

/// Writes messages of Protocol Buffers.
struct Proto {
    private(set) var bytes: [UInt8] = []

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func int(_ field: Int, _ value: Int) {
        varint(UInt64(field << 3))
        varint(UInt64(bitPattern: Int64(value)))
    }

    mutating func message(_ field: Int, _ content: [UInt8]) {
        varint(UInt64(field << 3 | 2))
        varint(UInt64(content.count))
        bytes += content
    }

    mutating func text(_ field: Int, _ value: String) { message(field, Array(value.utf8)) }
    mutating func message(_ field: Int, _ body: (inout Proto) -> Void) {
        var inner = Proto()
        body(&inner)
        message(field, inner.bytes)
    }

    static func value(_ name: String, _ element: Int, _ shape: [Int]) -> [UInt8] {
        var proto = Proto()
        proto.text(1, name)
        proto.message(2) {
            $0.message(1) { tensor in
                tensor.int(1, element)
                tensor.message(2) { list in for extent in shape { list.message(1) { $0.int(1, extent) } } }
            }
        }
        return proto.bytes
    }

    static func node(
        _ op: String, _ inputs: [String], _ outputs: [String], _ more: (inout Proto) -> Void = { _ in }
    ) -> [UInt8] {
        var proto = Proto()
        for input in inputs { proto.text(1, input) }
        for output in outputs { proto.text(2, output) }
        proto.text(4, op)
        more(&proto)
        return proto.bytes
    }

    /// A model of x: float[2, 3] and these parts of a graph.
    static func model(
        opset: Int = 17, functions: [UInt8] = [], _ graph: (inout Proto) -> Void
    ) -> [UInt8] {
        var proto = Proto()
        proto.int(1, 8)
        proto.message(8) { $0.int(2, opset) }
        proto.message(7) { inner in
            inner.message(11, value("x", 1, [2, 3]))
            inner.message(12, value("y", 1, [2, 3]))
            graph(&inner)
        }
        return proto.bytes + functions
    }
}

/// What the reader makes of files, damaged ones among them.
@Suite struct ONNXFileTests {
    private func directory() throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("onnx-\(UUID().uuidString)")
            .path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    private func read(_ bytes: [UInt8], in folder: String? = nil) throws -> ONNXModel {
        let folder = try folder ?? directory()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data(bytes).write(to: URL(fileURLWithPath: folder + "/model.onnx"))
        return try ONNXModel(contentsOf: folder + "/model.onnx")
    }

    private func problem(_ bytes: [UInt8], in folder: String? = nil) -> String {
        do {
            _ = try read(bytes, in: folder)
            return "none"
        } catch {
            return "\(error)"
        }
    }

    /// x + w, w a tensor of the file.
    private func addition(_ tensor: (inout Proto) -> Void) -> [UInt8] {
        Proto.model { graph in
            graph.message(1, Proto.node("Add", ["x", "w"], ["y"]))
            graph.message(5) { proto in
                proto.int(1, 3)
                proto.int(2, 1)
                proto.text(8, "w")
                tensor(&proto)
            }
        }
    }

    private func raw(_ count: Int) -> [UInt8] {
        [Float](repeating: 2, count: count).withUnsafeBytes { [UInt8]($0) }
    }

    @Test func aTensorOfTheFileIsAParameter() throws {
        let folder = try directory()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/model.onnx"
        try Data(addition { $0.message(9, raw(3)) }).write(to: URL(fileURLWithPath: path))
        let model = try ONNXModel(contentsOf: path)
        let compiled = try GraphCompiler.compile(model.graph)
        try model.forEachParameter { name, type, bytes in
            let shape = type.shape.compactMap(\.fixedExtent)
            try compiled.set(name, to: TensorData(element: type.element, shape: shape, bytes: [UInt8](bytes)))
        }
        #expect(model.inputs.map(\.name) == ["x"])
        #expect(model.graph.parameters.count == 1)
        let y = try compiled(["x": TensorData([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])])["y"]
        #expect(try y?.floats == [3, 4, 5, 6, 7, 8])
    }

    @Test func everyPrefixOfAFileIsRefused() throws {
        let bytes = addition { $0.message(9, raw(3)) }
        let folder = try directory()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/model.onnx"
        for count in 0..<bytes.count {
            try Data(bytes.prefix(count)).write(to: URL(fileURLWithPath: path))
            #expect(throws: ONNXError.self) { _ = try ONNXModel(contentsOf: path) }
        }
    }

    @Test func everyChangedByteIsReadOrRefused() throws {
        let bytes = addition { $0.message(9, raw(3)) }
        let folder = try directory()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/model.onnx"
        for place in bytes.indices {
            for change in [UInt8(0), 1, 0x7F, 0x80, 0xFF] {
                var changed = bytes
                changed[place] = change
                try Data(changed).write(to: URL(fileURLWithPath: path))
                do {
                    _ = try ONNXModel(contentsOf: path)
                } catch {
                    #expect(error is ONNXError, "byte \(place): \(error)")
                }
            }
        }
    }

    @Test func sizesThatDoNotFitAreNamed() {
        #expect(
            problem(addition { $0.message(9, raw(2)) }).contains(
                "the tensor \"w\" of shape [3] has 8 bytes, expected 12"))
        #expect(problem(addition { $0.int(1, -1) }).contains("impossible shape"))
        #expect(problem(addition { $0.int(1, 1 << 50) }).contains("impossible shape"))
    }

    @Test func dataOutsideTheDirectoryIsRefused() throws {
        for location in ["../secret", "/etc/passwd", "a/../../b", "link"] {
            let folder = try directory()
            if location == "link" {
                try FileManager.default.createSymbolicLink(
                    atPath: folder + "/link", withDestinationPath: "/etc/passwd")
            }
            let bytes = addition { tensor in
                tensor.message(13) { entry in
                    entry.text(1, "location")
                    entry.text(2, location)
                }
                tensor.int(14, 1)
            }
            #expect(problem(bytes, in: folder).contains("outside the model's directory"), "\(location)")
        }
    }

    @Test func dataBesideTheModelAreMapped() throws {
        let folder = try directory()
        try Data([0, 0, 0, 0] + raw(3)).write(to: URL(fileURLWithPath: folder + "/weights.bin"))
        func bytes(offset: String) -> [UInt8] {
            addition { tensor in
                for (key, value) in [("location", "weights.bin"), ("offset", offset), ("length", "12")] {
                    tensor.message(13) { entry in
                        entry.text(1, key)
                        entry.text(2, value)
                    }
                }
                tensor.int(14, 1)
            }
        }
        #expect(problem(bytes(offset: "-1"), in: nil).contains("not an intact"))
        try Data(bytes(offset: "8")).write(to: URL(fileURLWithPath: folder + "/model.onnx"))
        #expect(throws: ONNXError.self) { try ONNXModel(contentsOf: folder + "/model.onnx") }
        let model = try read(bytes(offset: "4"), in: folder)
        try model.forEachParameter { _, _, bytes in #expect(bytes.count == 12 && bytes[3] == 0x40) }
    }

    @Test func whatIsNotSupportedIsNamedWithItsNode() {
        let unknown = Proto.model { $0.message(1, Proto.node("Frobnicate", ["x"], ["y"])) }
        #expect(
            problem(unknown).hasSuffix("node \"y\" (Frobnicate): the operator 'Frobnicate' is not supported"))
        let loop = Proto.model { $0.message(1, Proto.node("Loop", ["x"], ["y"])) }
        #expect(problem(loop).contains("control flow is not supported"))
        let missing = Proto.model { $0.message(1, Proto.node("Relu", ["z"], ["y"])) }
        #expect(problem(missing).contains("reads \"z\", which no input, initialiser or earlier node gives"))
        #expect(problem(Proto.model(opset: 99) { _ in }).contains("operator set 99"))
    }

    @Test func graphsAreNotNestedWithoutEnd() {
        // A branch within a branch, and so on.
        var inner = Proto.node("Relu", ["x"], ["y"])
        for _ in 0..<64 {
            let body = inner
            inner = Proto.node("If", ["x"], ["y"]) { node in
                node.message(5) { attribute in
                    attribute.text(1, "then_branch")
                    attribute.message(6) { $0.message(1, body) }
                    attribute.int(20, 5)
                }
            }
        }
        let bytes = inner
        #expect(problem(Proto.model { $0.message(1, bytes) }).contains("not an intact"))
    }

    @Test func functionsThatCallThemselvesAreRefused() {
        let call = Proto.node("F", ["x"], ["y"]) { $0.text(7, "own") }
        var functions = Proto()
        functions.message(25) { function in
            function.text(1, "F")
            function.text(4, "a")
            function.text(5, "b")
            function.message(7, Proto.node("F", ["a"], ["b"]) { $0.text(7, "own") })
            function.text(10, "own")
        }
        #expect(
            problem(Proto.model(functions: functions.bytes) { $0.message(1, call) }).contains("in a cycle"))
    }
}
