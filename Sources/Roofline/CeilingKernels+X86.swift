// The loops of AVX512-BF16 and AMX.

extension CeilingKernels {
    /// `vdpbf16ps`.
    var x86Dot: String {
        let name = "@llvm.x86.avx512bf16.dpbf16ps.512"
        let pairs = "<\(2 * lanes) x bfloat>"
        return multiply(
            pairs, declaration: "declare \(vector) \(name)(\(vector), \(pairs), \(pairs))",
            product: "\(name)(\(vector) %sum#, \(pairs) %x, \(pairs) %y)")
    }

    /// dims[0] rounds a task of four AMX products, each of 16 x 16 results of depth 32.
    var x86Tiles: TileLoop {
        // Palette 1; eight tiles of 16 rows of 64 bytes.
        var configuration = [UInt8](repeating: 0, count: 64)
        configuration[0] = 1
        for tile in 0..<8 {
            configuration[16 + 2 * tile] = 64
            configuration[48 + tile] = 16
        }
        return TileLoop(ir: x86TileLoop, buffer: configuration, products: 4 * 16 * 16 * 32)
    }

    private var x86TileLoop: String {
        loop(
            """
            declare void @llvm.x86.ldtilecfg(ptr)
            declare void @llvm.x86.tilezero(i8)
            declare void @llvm.x86.tileloadd64(i8, ptr, i64)
            declare void @llvm.x86.tdpbf16ps(i8, i8, i8)
            declare void @llvm.x86.tilestored64(i8, ptr, i64)
            declare void @llvm.x86.tilerelease()
            """,
            entry: """
                %rounds = mul i64 %tasks, %size
                %configuration = load ptr, ptr %buffers
                call void @llvm.x86.ldtilecfg(ptr %configuration)
                \(each(4, "call void @llvm.x86.tilezero(i8 #)"))
                call void @llvm.x86.tileloadd64(i8 4, ptr %scratch, i64 64)
                call void @llvm.x86.tileloadd64(i8 5, ptr %scratch, i64 64)
                call void @llvm.x86.tileloadd64(i8 6, ptr %scratch, i64 64)
                call void @llvm.x86.tileloadd64(i8 7, ptr %scratch, i64 64)
                """,
            phis: "",
            body: """
                call void @llvm.x86.tdpbf16ps(i8 0, i8 4, i8 6)
                call void @llvm.x86.tdpbf16ps(i8 1, i8 4, i8 7)
                call void @llvm.x86.tdpbf16ps(i8 2, i8 5, i8 6)
                call void @llvm.x86.tdpbf16ps(i8 3, i8 5, i8 7)
                """,
            exit: """
                call void @llvm.x86.tilestored64(i8 0, ptr %scratch, i64 64)
                call void @llvm.x86.tilerelease()
                """)
    }
}
