import GraphIR
import KernelIR

extension GraphLowering {
    mutating func contraction(_ id: NodeID, _ op: Op.Contraction) throws(IRError) {
        switch op {
        case .matmul(let transposeLeft, let transposeRight):
            try matmul(id, transposeLeft: transposeLeft, transposeRight: transposeRight)
        case .raggedMatmul(let form, let length): try raggedMatmul(id, form, length)
        }
    }

    private mutating func matmul(_ id: NodeID, transposeLeft: Bool, transposeRight: Bool) throws(IRError) {
        let node = graph[id]
        let (left, right, result) = (type(node.operands[0]), type(node.operands[1]), node.types[0])
        let rank = result.rank
        // The rows of all matrices are one matrix's where they are multiplied with the same one.
        let m = right.rank == 2 ? Extent(result.shape.dropLast()) : Extent([result.shape[rank - 2]])
        let n = Extent([result.shape[rank - 1]])
        let k = Extent([left.shape[transposeLeft ? rank - 2 : rank - 1]])
        let isShared = right.rank == 2
        let batch = isShared ? Extent.one : Extent(result.shape.dropLast(2))
        if machine.usesLibraryMatmul, left.element == .f32 {
            let library = LibraryMatmul(
                left: 0, right: 1, target: 2, transposeLeft: transposeLeft, transposeRight: transposeRight,
                batch: batch, m: m, n: n, k: k)
            emit(id, [.host(.matmul(library))])
        } else if isShared {
            try contractionSection(section(id), id)
        } else {
            let layout = ProductBatch.Layout.dense(
                count: batch, m: m, n: n, k: k, left: matrix(0, left, transposed: transposeLeft),
                right: matrix(1, right, transposed: transposeRight))
            let tile = machine.smallTile(left.element)
            emit(id, [.problems(ProductBatch(layout: layout, left: 0, right: 1, target: 2, tile: tile))])
        }
    }

    /// The last two axes of a buffer as a matrix, read transposed when asked.
    private func matrix(_ buffer: Int, _ type: TensorType, transposed: Bool) -> MatrixAccess {
        let width = Extent(type.shape.suffix(1))
        return transposed
            ? MatrixAccess(buffer: buffer, rowStride: .one, columnStride: width)
            : MatrixAccess(buffer: buffer, rowStride: width, columnStride: .one)
    }

    private mutating func raggedMatmul(_ id: NodeID, _ form: RaggedForm, _ length: Dimension) throws(IRError)
    {
        let node = graph[id]
        let right = type(node.operands[1])
        guard right.element == .f32 else { throw unsupported(id, "ragged_matmul has kernels for f32 only") }
        guard let heads = right.shape[1].fixedExtent, let headSize = right.shape[2].fixedExtent else {
            throw unsupported(id, "heads and head size must be fixed")
        }
        let layout = ProductBatch.Layout.ragged(
            form, sequences: Extent(type(node.operands[3]).shape), tokens: Extent([right.shape[0]]),
            heads: heads,
            headSize: headSize, length: Extent([length]), offsets: 2, lengths: 3)
        let tile = machine.smallTile(.f32)
        emit(id, [.problems(ProductBatch(layout: layout, left: 0, right: 1, target: 4, tile: tile))])
    }
}
