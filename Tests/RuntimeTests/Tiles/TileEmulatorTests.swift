import Foundation
import LLVMBridge
import Testing
import TileEmulator

/// The tile instructions that kernels use, one by one: of the emulator, or of the processor where it has
/// them.
@Suite(.enabled(if: TileMachine.isHere, "needs AVX-512 with bf16")) struct TileEmulatorTests {
    private static func randomBytes(_ count: Int, _ seed: UInt64) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 40)
        }
    }

    /// bf16 numbers as the high halves of f32 patterns.
    private static func bytes(_ values: [UInt16]) -> [UInt8] {
        values.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    }

    private static func floats(_ bytes: [UInt8]) -> [Float] {
        bytes.withUnsafeBytes { raw in
            (0..<(bytes.count / 4)).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
    }

    // MARK: Configuration

    @Test func configurationIsStoredAndReleased() throws {
        var configuration = TileConfiguration()
        configuration.rows = [1, 2, 3, 4, 5, 6, 16, 0]
        configuration.rowBytes = [4, 8, 12, 60, 64, 1, 2, 0]
        let kernel = try TileMachine.kernel(
            buffers: 2,
            """
              call void @llvm.x86.ldtilecfg(ptr %b0)
              call void @llvm.x86.sttilecfg(ptr %b1)
              call void @llvm.x86.tilerelease()
              %after = getelementptr i8, ptr %b1, i64 64
              call void @llvm.x86.sttilecfg(ptr %after)
            """)
        var buffers = [configuration.bytes, [UInt8](repeating: 255, count: 128)]
        kernel.run(&buffers)
        #expect(buffers[1] == configuration.bytes + [UInt8](repeating: 0, count: 64))
    }

    @Test func configurationIsFoundBesideTheCode() throws {
        let bytes = TileConfiguration().bytes.map(String.init).joined(separator: ", ")
        let kernel = try TileMachine.kernel(assembly: [
            "mov (%rdi), %rax", "mov $8, %ecx", "ldtilecfg shape(%rip)", "sttilecfg (%rax)", "tilerelease",
            // With an index, which is a part of the address here.
            "ldtilecfg shape(%rip)", "sttilecfg 8(%rax,%rcx,8)", "tilerelease", "ret", ".balign 64", "shape:",
            ".byte \(bytes)",
        ])
        var buffers = [[UInt8](repeating: 255, count: 136)]
        kernel.run(&buffers)
        let stored = TileConfiguration().bytes
        #expect(buffers[0] == stored + [UInt8](repeating: 255, count: 8) + stored)
    }

    // MARK: Loads and stores

    /// One shape of a tile.
    struct Shape: CustomTestStringConvertible {
        let rows: Int
        let rowBytes: Int
        var testDescription: String { "\(rows) rows of \(rowBytes) bytes" }
    }
    static let shapes = [(16, 64), (1, 64), (16, 4), (7, 20), (3, 1)].map(Shape.init)

    @Test(arguments: shapes, ["tileloadd64", "tileloaddt164"])
    func onlyTheShapeIsReadAndWritten(shape: Shape, load: String) throws {
        let (from, to) = (80, 96)
        let kernel = try TileMachine.kernel(
            buffers: 3,
            """
              call void @llvm.x86.ldtilecfg(ptr %b0)
              call void @llvm.x86.\(load)(i8 3, ptr %b1, i64 \(from))
              call void @llvm.x86.tilestored64(i8 3, ptr %b2, i64 \(to))
              %zeros = getelementptr i8, ptr %b2, i64 \(16 * to)
              call void @llvm.x86.tilezero(i8 3)
              call void @llvm.x86.tilestored64(i8 3, ptr %zeros, i64 \(to))
              call void @llvm.x86.tilerelease()
            """)
        var configuration = TileConfiguration()
        configuration.rows[3] = UInt8(shape.rows)
        configuration.rowBytes[3] = UInt16(shape.rowBytes)
        let source = Self.randomBytes(16 * from, 1)
        var expected = Self.randomBytes(32 * to, 2)
        var buffers = [configuration.bytes, source, expected]
        for row in 0..<shape.rows {
            for byte in 0..<shape.rowBytes {
                expected[row * to + byte] = source[row * from + byte]
                expected[(16 + row) * to + byte] = 0
            }
        }
        kernel.run(&buffers)
        #expect(buffers[2] == expected)
    }

    /// Every general register as base and as stride, with every scale and kind of displacement.
    @Test func everyAddressIsDecoded() throws {
        let low = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp"]
        let registers = low + (8...15).map { "r\($0)" }
        let saved = ["rbx", "rbp", "r12", "r13", "r14", "r15"]
        var lines = saved.map { "push %\($0)" }
        // The stack holds where to read and where to write.
        lines += ["mov (%rdi), %rax", "ldtilecfg (%rax)", "push 16(%rdi)", "push 8(%rdi)"]
        var places: [(start: Int, stride: Int)] = []
        for base in registers {
            for index in registers where index != base {
                let number = places.count
                let scale = [1, 2, 4, 8][number % 4]
                let displacement = [0, 8, -16, 1000, -3000][number % 5]
                let tile = number % 8
                lines += [
                    "mov (%rsp), %\(base)", "mov $24, %\(index)",
                    "tileloadd \(displacement)(%\(base),%\(index),\(scale)), %tmm\(tile)",
                    "mov 8(%rsp), %\(base)", "mov $\(64 / scale), %\(index)",
                    "tilestored %tmm\(tile), \(number * 1024)(%\(base),%\(index),\(scale))",
                ]
                places.append((displacement, 24 * scale))
            }
        }
        // On the stack, and with no index: all rows are the first.
        lines += [
            "mov (%rsp), %rax", "mov 8(%rsp), %rdx", "mov $64, %ecx", "tileloadd (%rax), %tmm5",
            "sub $1152, %rsp", "tilestored %tmm5, 64(%rsp,%rcx)", "tileloadd 64(%rsp,%rcx), %tmm6",
            "add $1152, %rsp", "tilestored %tmm6, \(places.count * 1024)(%rdx,%rcx)",
        ]
        places.append((0, 0))
        lines += ["tilerelease", "add $16, %rsp"] + saved.reversed().map { "pop %\($0)" } + ["ret"]
        let kernel = try TileMachine.kernel(assembly: lines)

        let middle = 4096
        let source = Self.randomBytes(2 * middle, 3)
        var configuration = TileConfiguration().bytes
        var result = [UInt8](repeating: 0, count: places.count * 1024)
        var copy = source
        configuration.withUnsafeMutableBytes { configuration in
            copy.withUnsafeMutableBytes { source in
                result.withUnsafeMutableBytes { result in
                    let pointers = [
                        configuration.baseAddress, source.baseAddress.map { $0 + middle }, result.baseAddress,
                    ]
                    kernel(buffers: pointers, dims: [0], tasks: 0..<1)
                }
            }
        }
        for (number, place) in places.enumerated() {
            let expected = (0..<16).flatMap { row in
                source[(middle + place.start + row * place.stride)...].prefix(64)
            }
            #expect(result[(number * 1024)...].prefix(1024).elementsEqual(expected), "\(number)")
        }
    }

    // MARK: Products

    /// bf16 numbers of about the same size, or of every kind.
    private static func numbers(_ count: Int, _ seed: UInt64, ofEveryKind: Bool) -> [UInt16] {
        let special: [UInt16] = [0, 0x8000, 0x0001, 0x8055, 0x007F, 0x0080, 0x2080, 0xA0FF, 0x1F85, 0x7F00]
        let random = randomBytes(3 * count, seed)
        return (0..<count).map { index in
            let (a, b, choice) = (random[3 * index], random[3 * index + 1], random[3 * index + 2])
            if ofEveryKind && choice % 2 == 0 { return special[Int(a) % special.count] }
            return UInt16(b & 0x80) << 8 | 0x3F00 | UInt16(a)
        }
    }

    static let products = [(16, 16, 16), (16, 1, 16), (1, 16, 16), (5, 3, 7), (16, 16, 1), (1, 1, 1)]

    @Test(arguments: products, [false, true])
    func productIsThatOfTheManual(shape: (rows: Int, pairs: Int, columns: Int), ofEveryKind: Bool) throws {
        let (rows, pairs, columns) = shape
        let left = Self.numbers(rows * pairs * 2, 4, ofEveryKind: ofEveryKind)
        let right = Self.numbers(pairs * columns * 2, 5, ofEveryKind: ofEveryKind)
        let sum = (0..<(rows * columns)).map {
            ofEveryKind ? Float($0 % 5) * Float.leastNormalMagnitude / 8 : Float($0) / 7
        }
        var configuration = TileConfiguration()
        configuration.rows[1] = UInt8(rows)
        configuration.rows[2] = UInt8(rows)
        configuration.rows[4] = UInt8(pairs)
        configuration.rowBytes[1] = UInt16(columns * 4)
        configuration.rowBytes[2] = UInt16(pairs * 4)
        configuration.rowBytes[4] = UInt16(columns * 4)
        let kernel = try TileMachine.kernel(
            buffers: 4,
            """
              call void @llvm.x86.ldtilecfg(ptr %b0)
              call void @llvm.x86.tileloadd64(i8 2, ptr %b1, i64 \(pairs * 4))
              call void @llvm.x86.tileloadd64(i8 4, ptr %b2, i64 \(columns * 4))
              call void @llvm.x86.tileloadd64(i8 1, ptr %b3, i64 \(columns * 4))
              call void @llvm.x86.tdpbf16ps(i8 1, i8 2, i8 4)
              call void @llvm.x86.tilestored64(i8 1, ptr %b3, i64 \(columns * 4))
              call void @llvm.x86.tilerelease()
            """)
        var buffers = [
            configuration.bytes, Self.bytes(left), Self.bytes(right),
            sum.flatMap { withUnsafeBytes(of: $0.bitPattern) { Array($0) } },
        ]
        kernel.run(&buffers)
        let expected = BF16Reference.tileProduct(sum, left, right, pairs: pairs, columns: columns)
        #expect(TileMachine.agree(Self.floats(buffers[3]), expected))
    }

    /// Every choice of three different tiles: the operands are where the encoding says.
    @Test func everyTileIsDecoded() throws {
        var body = "  call void @llvm.x86.ldtilecfg(ptr %b0)\n"
        var triples: [(sum: Int, left: Int, right: Int)] = []
        for tile in 0..<8 { body += "  call void @llvm.x86.tileloadd64(i8 \(tile), ptr %b1, i64 64)\n" }
        for sum in 0..<8 {
            for left in 0..<8 where left != sum {
                for right in 0..<8 where right != sum && right != left {
                    let number = triples.count
                    body += """
                          %l\(number) = getelementptr i8, ptr %b1, i64 \(left * 1024)
                          %r\(number) = getelementptr i8, ptr %b1, i64 \(right * 1024)
                          %o\(number) = getelementptr i8, ptr %b2, i64 \(number * 1024)
                          call void @llvm.x86.tileloadd64(i8 \(left), ptr %l\(number), i64 64)
                          call void @llvm.x86.tileloadd64(i8 \(right), ptr %r\(number), i64 64)
                          call void @llvm.x86.tilezero(i8 \(sum))
                          call void @llvm.x86.tdpbf16ps(i8 \(sum), i8 \(left), i8 \(right))
                          call void @llvm.x86.tilestored64(i8 \(sum), ptr %o\(number), i64 64)

                        """
                    triples.append((sum, left, right))
                }
            }
        }
        let kernel = try TileMachine.kernel(buffers: 3, body + "  call void @llvm.x86.tilerelease()")
        let tiles = (0..<8).map { Self.numbers(512, UInt64(20 + $0), ofEveryKind: false) }
        var buffers = [
            TileConfiguration().bytes, tiles.flatMap(Self.bytes),
            [UInt8](repeating: 0, count: triples.count * 1024),
        ]
        kernel.run(&buffers)
        let zeros = [Float](repeating: 0, count: 256)
        var known: [Int: [Float]] = [:]
        for (number, triple) in triples.enumerated() {
            let pair = triple.left * 8 + triple.right
            let expected =
                known[pair]
                ?? BF16Reference.tileProduct(
                    zeros, tiles[triple.left], tiles[triple.right], pairs: 16, columns: 16)
            known[pair] = expected
            let actual = Self.floats(Array(buffers[2][(number * 1024)...].prefix(1024)))
            #expect(TileMachine.agree(actual, expected), "\(triple)")
        }
    }

    // MARK: Threads

    @Test func threadsHaveTilesOfTheirOwn() async throws {
        // Between load and store another thread has every chance to load its own.
        let kernel = try TileMachine.kernel(
            buffers: 3,
            """
              call void @llvm.x86.ldtilecfg(ptr %b0)
              call void @llvm.x86.tileloadd64(i8 0, ptr %b1, i64 64)
              br label %wait
            wait:
              %i = phi i64 [ 0, %0 ], [ %next, %wait ]
              %next = add i64 %i, 1
              call void @llvm.x86.tilezero(i8 1)
              %more = icmp slt i64 %next, 200
              br i1 %more, label %wait, label %done
            done:
              call void @llvm.x86.tilestored64(i8 0, ptr %b2, i64 64)
              call void @llvm.x86.tilerelease()
            """)
        await withTaskGroup(of: Bool.self) { group in
            for thread in 0..<4 {
                group.addTask {
                    let source = Self.randomBytes(1024, UInt64(30 + thread))
                    return (0..<20).allSatisfy { _ in
                        var buffers = [TileConfiguration().bytes, source, [UInt8](repeating: 0, count: 1024)]
                        kernel.run(&buffers)
                        return buffers[2] == source
                    }
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }

    // MARK: What is refused

    /// Something the processor would refuse, and the emulator's word for it.
    struct Refusal: Codable, CustomTestStringConvertible {
        let message: String
        var configuration = TileConfiguration()
        let body: String
        var testDescription: String { message }

        init(_ message: String, _ body: String = "", change: (inout TileConfiguration) -> Void = { _ in }) {
            self.message = message
            self.body = body
            change(&configuration)
        }

        func run() throws {
            let configure =
                body.hasPrefix("unconfigured ") ? "" : "  call void @llvm.x86.ldtilecfg(ptr %b0)\n"
            let lines = body.replacing("unconfigured ", with: "")
            var buffers = [configuration.bytes, [UInt8](repeating: 0, count: 1024)]
            try TileMachine.kernel(buffers: 2, configure + lines).run(&buffers)
        }
    }

    private static let product = "  call void @llvm.x86.tdpbf16ps(i8 0, i8 4, i8 6)"
    static let refusals = [
        Refusal("the palette is neither 0 nor 1") { $0.palette = 2 },
        Refusal("a tile of more than 16 rows") { $0.rows[7] = 17 },
        Refusal("a tile with rows of more than 64 bytes") { $0.rowBytes[7] = 65 },
        Refusal("a tile with only one size zero") { $0.rows[2] = 0 },
        Refusal("no tiles are configured", "unconfigured   call void @llvm.x86.tilezero(i8 0)"),
        Refusal("no tiles are configured", "  call void @llvm.x86.tilerelease()\n" + product),
        Refusal("the tile has no shape", "  call void @llvm.x86.tileloadd64(i8 2, ptr %b1, i64 64)") {
            ($0.rows[2], $0.rowBytes[2]) = (0, 0)
        },
        Refusal("two operands are the same tile", "  call void @llvm.x86.tdpbf16ps(i8 0, i8 4, i8 4)"),
        Refusal("no multiple of 4 bytes", product) { $0.rowBytes[4] = 62 },
        Refusal("the sum and the left operand differ in rows", product) { $0.rows[4] = 8 },
        Refusal("the sum and the right operand differ in row bytes", product) { $0.rowBytes[6] = 32 },
        Refusal("left pairs and right rows differ", product) { $0.rows[6] = 8 },
    ]

    @Test(.enabled(if: TileMachine.isEmulated), arguments: refusals)
    func wrongUseEndsTheProcess(refusal: Refusal) async throws {
        let result = await #expect(
            processExitsWith: .signal(SIGABRT), observing: [\.standardErrorContent]
        ) { [refusal] in
            try refusal.run()
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text.contains("tile emulator: ") && text.contains(refusal.message), "\(text)")
    }

    @Test func otherIllegalInstructionsStayIllegal() async throws {
        await #expect(processExitsWith: .signal(SIGILL)) {
            let kernel = try TileMachine.kernel(assembly: ["ud2", "ret"])
            kernel(buffers: [nil], dims: [0], tasks: 0..<1)
        }
    }
}
