import GraphIR
import KernelIR
import Target

/// The register tile of a contraction as functions of their own:
/// `target[rows, columns] (+)= left[rows, depth] · panel[depth, columns]`, for the tile's rows and for 4, 2 and 1 of
/// them, with the accumulators in registers over the whole depth.
///
/// bf16 goes two columns of the left operand and two rows of the panel at a time, i8 four (`ContractionTile.depthStep`).
/// Operands are f32, pairs of bf16 or four i8: a tile that widens others does so before.
struct MicroKernel: Hashable {
    let tile: ContractionTile
    /// Elements between rows of the left operand, and between its columns (k) or pairs of them; `nil` when passed at
    /// run time.
    let leftRowStride: Int?
    let leftDepthStride: Int?
    let targetStride: Int?
    /// What the target holds: f32; for the sums of i8, which are i32, that or i32.
    let targetElement: ElementType
    /// Whether the last panel has columns beyond n.
    let masksColumns: Bool

    /// Name prefix, different for different functions of one tile; the functions are `prefix.rows`.
    private var name: String {
        let strides = [leftRowStride, leftDepthStride, targetStride].map { $0.map(String.init) ?? "n" }
        let target = targetElement == .f32 ? "" : ".\(targetElement)"
        return
            "tile.\(tile.element).\(strides.joined(separator: "."))\(target)\(masksColumns ? ".masked" : "")"
    }

    /// Row counts for which a function exists, largest first; their sums cover every remainder.
    var rowCounts: [Int] { [tile.rows] + [4, 2, 1].filter { $0 < tile.rows } }

    private var v: VectorWriter { VectorWriter(lanes: tile.lanes) }
    private static let unroll = 4

    /// The names of the functions.
    var symbols: [String] { rowCounts.map { "\(name).\($0)" } }

    func text(_ target: Target) -> String { rowCounts.map { function($0, target) }.joined(separator: "\n") }

    /// What a caller passes: addresses and sizes of one call. Strides that the kernel knows are not passed.
    struct Call {
        var left: Pointer
        let panel: Pointer
        var target: Pointer
        let depth: I64
        let columns: I64
        /// Whether the target is overwritten.
        let first: I1
        let leftRow: I64
        let leftDepth: I64
        let targetRow: I64

        /// The same in the function that is called.
        fileprivate static let parameters = Call(
            left: Pointer(parameter: "left"), panel: Pointer(parameter: "panel"),
            target: Pointer(parameter: "target"), depth: I64(parameter: "depth"),
            columns: I64(parameter: "columns"), first: I1(parameter: "first"),
            leftRow: I64(parameter: "left_row"), leftDepth: I64(parameter: "left_depth"),
            targetRow: I64(parameter: "target_row"))
    }

    func call(_ w: inout FunctionWriter, rows: Int, _ c: Call) { w.call("\(name).\(rows)", arguments(c)) }

    private func arguments(_ c: Call) -> [any LLVMValue] {
        var list: [any LLVMValue] = [c.left, c.panel, c.target, c.depth, c.columns, c.first]
        if leftRowStride == nil { list.append(c.leftRow) }
        if leftDepthStride == nil { list.append(c.leftDepth) }
        if targetStride == nil { list.append(c.targetRow) }
        return list
    }

    private func function(_ rows: Int, _ target: Target) -> String {
        var w = FunctionWriter(symbols: [], target: target)
        let p = Call.parameters
        let leftRow = leftRowStride.map { I64($0) } ?? p.leftRow
        let leftDepth = leftDepthStride.map { I64($0) } ?? p.leftDepth
        let targetRow = targetStride.map { I64($0) } ?? p.targetRow
        let masks = masksColumns ? columnMasks(&w) : [Mask?](repeating: nil, count: tile.vectors)
        let slots = (0..<rows).flatMap { row in (0..<tile.vectors).map { (row, $0) } }
        let storage = tile.element.stored
        let header = tile.columns * tile.depthStep * tile.headerSteps
        // Rows of the left operand as pointers: their distance need not be a constant.
        let leftRows = (0..<rows).map { w.address(p.left, storage, w.mul(I64($0), leftRow)) }

        /// - Parameter isHalf: whether the left operand ends within the pair.
        func step(
            _ w: inout FunctionWriter, _ k: I64, _ sums: [AnyVector], isHalf: Bool = false
        ) -> [AnyVector] {
            let panel = w.address(
                p.panel, storage, w.add(w.mul(k, tile.columns * tile.depthStep), I64(header)))
            let right = (0..<tile.vectors).map { index in
                self.right(&w, w.address(panel, storage, index * tile.lanes * tile.depthStep))
            }
            let depth = w.mul(k, leftDepth)
            let left = leftRows.map { self.left(&w, w.address($0, storage, depth), isHalf: isHalf) }
            if tile.element == .i8 {
                let quads = left.map { v.quads(&w, $0.of(I32.self)) }
                return slots.enumerated().map { index, slot in
                    AnyVector(v.dot(&w, quads[slot.0], right[slot.1].of(I32.self), sums[index].of(I32.self)))
                }
            }
            return slots.enumerated().map { index, slot in
                let (a, b, sum) = (left[slot.0], right[slot.1], sums[index].of(F32.self))
                return AnyVector(
                    tile.element == .bf16
                        ? v.dot(&w, a.of(I32.self), b.of(I32.self), sum)
                        : w.fma(a.of(F32.self), b.of(F32.self), sum))
            }
        }

        let steps = tile.depthStep == 1 ? p.depth : w.udiv(p.depth, tile.depthStep)
        let whole = w.mul(w.udiv(steps, Self.unroll), Self.unroll)
        var sums = initial(&w, rows: rows)
        sums = w.loop(from: 0, to: whole, by: Self.unroll, carrying: sums) { w, k, carried in
            (0..<Self.unroll).reduce(carried) { step(&w, w.add(k, $1), $0) }
        }
        sums = w.loop(from: whole, to: steps, by: 1, carrying: sums) { w, k, carried in step(&w, k, carried) }
        if tile.depthStep == 2 {
            let end = w.add(steps, w.and(p.depth, 1))
            sums = w.loop(from: steps, to: end, by: 1, carrying: sums) { w, k, carried in
                step(&w, k, carried, isHalf: true)
            }
        }
        let targets = (0..<rows).map { w.address(p.target, .float, w.mul(I64($0), targetRow)) }
        store(&w, slots, targets, sums, masks)
        return w.text("\(name).\(rows)", arguments(p))
    }

    /// What the sums of each slot start with: nothing, or the panel's header.
    private func initial(_ w: inout FunctionWriter, rows: Int) -> [AnyVector] {
        guard tile.headerSteps > 0 else {
            let zero = AnyVector(Vector<F32>(text: "zeroinitializer", lanes: tile.lanes))
            return Array(repeating: zero, count: rows * tile.vectors)
        }
        let header = (0..<tile.vectors).map { index in
            right(&w, w.address(Call.parameters.panel, .i8, index * tile.lanes * tile.depthStep))
        }
        return (0..<rows).flatMap { _ in header }
    }

    /// Whether the operands' elements are multiplied several a lane.
    private var isGrouped: Bool { tile.depthStep > 1 }

    /// A vector of a panel's row, as f32, as pairs or as fours.
    private func right(_ w: inout FunctionWriter, _ pointer: Pointer) -> AnyVector {
        let align = tile.lanes * tile.depthStep * tile.element.byteCount
        return w.load(v.type(isGrouped ? .i32 : .float), pointer, align: align)
    }

    /// An element of the left operand, or a pair or four, in every lane.
    private func left(_ w: inout FunctionWriter, _ pointer: Pointer, isHalf: Bool) -> AnyVector {
        guard isGrouped else { return AnyVector(v.splat(&w, w.load(F32.self, pointer))) }
        guard isHalf else {
            return AnyVector(v.splat(&w, w.load(I32.self, pointer, align: tile.element.byteCount)))
        }
        let element = w.load(I16.self, pointer)
        return AnyVector(v.splat(&w, w.convert(.zext, element, to: I32.self)))
    }

    /// Writes the tile, or adds it to what an earlier block of the depth left.
    private func store(
        _ w: inout FunctionWriter, _ slots: [(Int, Int)], _ targets: [Pointer], _ sums: [AnyVector],
        _ masks: [Mask?]
    ) {
        guard tile.element != .i8 else { return storeWhole(&w, slots, targets, sums, masks) }
        let sums = sums.map { $0.of(F32.self) }
        func place(_ w: inout FunctionWriter, _ slot: (Int, Int)) -> Pointer {
            w.address(targets[slot.0], .float, slot.1 * tile.lanes)
        }
        func write(_ w: inout FunctionWriter, _ value: Vector<F32>, _ slot: (Int, Int)) {
            v.store(&w, value, place(&w, slot), mask: masks[slot.1])
        }
        w.when(Call.parameters.first) { w in
            for (index, slot) in slots.enumerated() { write(&w, sums[index], slot) }
        } otherwise: { w in
            for (index, slot) in slots.enumerated() {
                let before = v.load(&w, F32.self, place(&w, slot), mask: masks[slot.1])
                write(&w, w.fadd(before, sums[index]), slot)
            }
        }
    }

    /// Writes sums of i8, which are whole.
    private func storeWhole(
        _ w: inout FunctionWriter, _ slots: [(Int, Int)], _ targets: [Pointer], _ sums: [AnyVector],
        _ masks: [Mask?]
    ) {
        for (index, slot) in slots.enumerated() {
            let place = w.address(targets[slot.0], .float, slot.1 * tile.lanes)
            let sum = targetElement == .i32 ? sums[index] : w.convert(.sitofp, sums[index], to: .float)
            v.store(&w, sum, place, mask: masks[slot.1])
        }
    }

    /// Lanes below `columns`, one mask per vector of the tile.
    private func columnMasks(_ w: inout FunctionWriter) -> [Mask?] {
        let clipped = w.min(Call.parameters.columns, tile.columns)
        let limit = v.splat(&w, w.convert(.trunc, clipped, to: I32.self))
        return (0..<tile.vectors).map { index in
            let numbers = w.add(v.laneNumbers, v.bits(index * tile.lanes))
            return w.compare(.slt, numbers, limit)
        }
    }
}
