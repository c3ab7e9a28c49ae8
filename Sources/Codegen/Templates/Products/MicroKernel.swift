import GraphIR
import KernelIR

/// The register tile of a contraction as functions of their own:
/// `target[rows, columns] (+)= left[rows, depth] · panel[depth, columns]`, for 8, 4, 2 and 1 rows (those that the
/// tile has), with the accumulators in registers over the whole depth.
///
/// bf16 goes two columns of the left operand and two rows of the panel at a time (`ContractionTile.depthStep`).
struct MicroKernel: Hashable {
    let tile: ContractionTile
    /// Elements between rows of the left operand, and between its columns (k) or pairs of them; `nil` when passed at
    /// run time.
    let leftRowStride: Int?
    let leftDepthStride: Int?
    let targetStride: Int?
    /// Whether the last panel has columns beyond n.
    let masksColumns: Bool

    /// Name prefix, different for different functions of one tile; the functions are `prefix.rows`.
    private var name: String {
        let strides = [leftRowStride, leftDepthStride, targetStride].map { $0.map(String.init) ?? "n" }
        return "tile.\(tile.element).\(strides.joined(separator: "."))\(masksColumns ? ".masked" : "")"
    }

    /// Row counts for which a function exists, largest first; their sums cover every remainder.
    var rowCounts: [Int] { [8, 4, 2, 1].filter { $0 <= tile.rows } }

    private var v: VectorWriter { VectorWriter(lanes: tile.lanes) }
    private static let unroll = 4

    func text(_ bf16: BF16Unit) -> String { rowCounts.map { function($0, bf16) }.joined(separator: "\n") }

    private func function(_ rows: Int, _ bf16: BF16Unit) -> String {
        var w = FunctionWriter(symbols: [], bf16: bf16)
        let leftRow = leftRowStride.map(String.init) ?? "%left_row"
        let leftDepth = leftDepthStride.map(String.init) ?? "%left_depth"
        let targetRow = targetStride.map(String.init) ?? "%target_row"
        let masks = masksColumns ? columnMasks(&w) : []
        let vector = v.name(.f32)
        let slots = (0..<rows).flatMap { row in (0..<tile.vectors).map { (row, $0) } }
        let storage = VectorWriter.storageName(tile.element)
        // Rows of the left operand as pointers: their distance need not be a constant.
        let leftRows = (0..<rows).map { w.address("%left", storage, w.mul("\($0)", leftRow)) }

        /// - Parameter isHalf: whether the left operand ends within the pair.
        func step(_ w: inout FunctionWriter, _ k: String, _ sums: [String], isHalf: Bool = false) -> [String]
        {
            let panel = w.address("%panel", storage, w.mul(k, "\(tile.columns * tile.depthStep)"))
            let right = (0..<tile.vectors).map { index in
                let pointer = w.address(panel, storage, "\(index * tile.lanes * tile.depthStep)")
                return self.right(&w, pointer)
            }
            let depth = w.mul(k, leftDepth)
            let left = leftRows.map { self.left(&w, w.address($0, storage, depth), isHalf: isHalf) }
            return slots.enumerated().map { index, slot in
                tile.element == .bf16
                    ? v.dot(&w, left[slot.0], right[slot.1], sums[index])
                    : v.fma(&w, left[slot.0], right[slot.1], sums[index])
            }
        }

        let zero = slots.map { _ in (type: vector, initial: "zeroinitializer") }
        let steps = tile.depthStep == 1 ? "%depth" : w.value("udiv i64 %depth, \(tile.depthStep)")
        let whole = w.mul(w.value("udiv i64 \(steps), \(Self.unroll)"), "\(Self.unroll)")
        var sums = w.loop(from: "0", to: whole, by: Self.unroll, carrying: zero) { w, k, carried in
            (0..<Self.unroll).reduce(carried) { step(&w, w.add(k, "\($1)"), $0) }
        }
        sums = w.loop(from: whole, to: steps, by: 1, carrying: sums.map { (type: vector, initial: $0) }) {
            w, k, carried in step(&w, k, carried)
        }
        if tile.depthStep == 2 {
            let end = w.add(steps, w.value("and i64 %depth, 1"))
            sums = w.loop(from: steps, to: end, by: 1, carrying: sums.map { (type: vector, initial: $0) }) {
                w, k, carried in step(&w, k, carried, isHalf: true)
            }
        }
        let targets = (0..<rows).map { w.address("%target", "float", w.mul("\($0)", targetRow)) }
        store(&w, slots, targets, sums, masks)
        return w.text("internal void @\(name).\(rows)(\(parameters))")
    }

    /// A vector of a panel's row, as f32 or as pairs.
    private func right(_ w: inout FunctionWriter, _ pointer: String) -> String {
        let align = tile.lanes * tile.depthStep * tile.element.byteCount
        switch tile.element {
        case .bf16: return w.value("load \(v.name(.i32)), ptr \(pointer), align \(align)")
        case .f16:
            let narrow = w.value("load \(v.vector("half")), ptr \(pointer), align \(align)")
            return w.value("fpext \(v.vector("half")) \(narrow) to \(v.name(.f32))")
        default: return w.value("load \(v.name(.f32)), ptr \(pointer), align \(align)")
        }
    }

    /// An element of the left operand, or a pair, in every lane.
    private func left(_ w: inout FunctionWriter, _ pointer: String, isHalf: Bool) -> String {
        switch tile.element {
        case .bf16 where isHalf:
            let element = w.value("load i16, ptr \(pointer), align 2")
            return v.splat(&w, w.value("zext i16 \(element) to i32"), "i32")
        case .bf16: return v.splat(&w, w.value("load i32, ptr \(pointer), align 2"), "i32")
        case .f16:
            let narrow = w.value("load half, ptr \(pointer), align 2")
            return v.splat(&w, w.value("fpext half \(narrow) to float"), "float")
        default: return v.splat(&w, w.value("load float, ptr \(pointer), align 4"), "float")
        }
    }

    /// Writes the tile, or adds it to what an earlier block of the depth left.
    private func store(
        _ w: inout FunctionWriter, _ slots: [(Int, Int)], _ targets: [String], _ sums: [String],
        _ masks: [String]
    ) {
        let vector = v.name(.f32)
        let n = tile.lanes
        func pointer(_ w: inout FunctionWriter, _ slot: (Int, Int)) -> String {
            w.address(targets[slot.0], "float", "\(slot.1 * n)")
        }
        func write(_ w: inout FunctionWriter, _ value: String, _ slot: (Int, Int)) {
            let place = pointer(&w, slot)
            if masks.isEmpty {
                w.line("store \(vector) \(value), ptr \(place), align 4")
            } else {
                w.line(
                    "call void @llvm.masked.store.v\(n)f32.p0(\(vector) \(value), ptr \(place), i32 4, <\(n) x i1> \(masks[slot.1]))"
                )
            }
        }
        w.when("%first") { w in for (index, slot) in slots.enumerated() { write(&w, sums[index], slot) } }
        w.when(w.value("xor i1 %first, true")) { w in
            for (index, slot) in slots.enumerated() {
                let place = pointer(&w, slot)
                let before =
                    masks.isEmpty
                    ? w.value("load \(vector), ptr \(place), align 4")
                    : w.value(
                        "call \(vector) @llvm.masked.load.v\(n)f32.p0(ptr \(place), i32 4, <\(n) x i1> \(masks[slot.1]), \(vector) zeroinitializer)"
                    )
                write(&w, v.op(&w, "fadd", before, sums[index]), slot)
            }
        }
    }

    /// Lanes below `%columns`, one mask a vector of the tile.
    private func columnMasks(_ w: inout FunctionWriter) -> [String] {
        let clipped = w.min("%columns", "\(tile.columns)")
        let count = w.value("trunc i64 \(clipped) to i32")
        let limit = v.splat(&w, count, "i32")
        return (0..<tile.vectors).map { index in
            let first = v.bits(index * tile.lanes)
            let numbers = v.integer(&w, "add", v.laneNumbers, first)
            return w.value("icmp slt \(v.name(.i32)) \(numbers), \(limit)")
        }
    }

    private var parameters: String {
        var list = ["ptr %left", "ptr %panel", "ptr %target", "i64 %depth", "i64 %columns", "i1 %first"]
        if leftRowStride == nil { list.append("i64 %left_row") }
        if leftDepthStride == nil { list.append("i64 %left_depth") }
        if targetStride == nil { list.append("i64 %target_row") }
        return list.joined(separator: ", ")
    }

    /// What a caller passes: addresses and sizes of one call.
    struct Call {
        let left: String
        let panel: String
        let target: String
        let depth: String
        let columns: String
        let first: String
        let leftRow: String
        let leftDepth: String
        let targetRow: String
    }

    func call(_ w: inout FunctionWriter, rows: Int, _ c: Call) {
        var list = [
            "ptr \(c.left)", "ptr \(c.panel)", "ptr \(c.target)", "i64 \(c.depth)", "i64 \(c.columns)",
            "i1 \(c.first)",
        ]
        if leftRowStride == nil { list.append("i64 \(c.leftRow)") }
        if leftDepthStride == nil { list.append("i64 \(c.leftDepth)") }
        if targetStride == nil { list.append("i64 \(c.targetRow)") }
        w.line("call void @\(name).\(rows)(\(list.joined(separator: ", ")))")
    }
}
