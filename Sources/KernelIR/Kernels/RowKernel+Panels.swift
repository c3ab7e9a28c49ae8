import GraphIR

extension RowKernel {
    /// How a kernel that writes panels goes over its rows: some rows and columns at a time, whose values wait in the task's
    /// memory, so that each panel gets whole lines: pairs of rows at once, and transposed squares.
    package struct PanelBlocks {
        /// Rows of a block: a panel begins and ends with one.
        package static let rows = 16
        private static let mostColumns = 2048

        /// Values of one type that wait.
        package struct Array: Equatable {
            package let id: ElementID
            package let element: ElementType
            /// Bytes of the task's memory before it.
            package let offset: Int
        }

        /// Columns of a block but for the last one.
        package let columns: Int
        package private(set) var arrays: [Array] = []
        /// Stores that are left to the end of a block, each with the array it takes.
        package private(set) var stores: [(access: Access, array: Int)] = []
        /// The kernel's program with stores into the arrays, buffers from `firstBuffer` on, in their place.
        package private(set) var body: RowProgram
        package let firstBuffer: Int

        /// `nil` where nothing waits, or rows are not computed some columns at a time.
        fileprivate init?(_ kernel: RowKernel) {
            // Most kernels write no panels; sizes are asked for with every new shape of a batch.
            guard kernel.body.stores.contains(where: \.waitsForBlock), kernel.rows != .one,
                let width = kernel.body.columns.fixedValue, width > 0,
                kernel.body.stores.allSatisfy(\.isElementOfRow),
                !kernel.body.ops.contains(where: \.isReduction)
            else { return nil }
            columns = Self.columns(of: width)
            body = kernel.body
            firstBuffer = kernel.body.bufferLimit
            var kept: [RowProgram.Store] = []
            for store in kernel.body.stores {
                guard case .element(let access, let id) = store, store.waitsForBlock else {
                    kept.append(store)
                    continue
                }
                let known = arrays.firstIndex { $0.id == id && $0.element == access.element }
                if known == nil {
                    let offset = arrays.last.map { $0.offset + byteCount($0.element) } ?? 0
                    arrays.append(Array(id: id, element: access.element, offset: offset))
                }
                stores.append((access, known ?? arrays.count - 1))
            }
            for (index, array) in arrays.enumerated() {
                var access = Access.elements(
                    firstBuffer + index, array.element, columns: .fixed(stride(array.element)))
                access.modulus = .fixed(Self.rows)
                kept.append(.element(access, array.id))
            }
            body.stores = kept
        }

        /// Elements between rows of an array, a line apart beyond the columns so that rows do not share a set of the cache.
        package func stride(_ element: ElementType) -> Int {
            (columns + 31) / 32 * 32 + 64 / element.byteCount
        }

        package var byteCount: Int { arrays.reduce(0) { $0 + byteCount($1.element) } }

        private func byteCount(_ element: ElementType) -> Int {
            Self.rows * stride(element) * element.byteCount
        }

        /// As equal blocks as can be without a part of a line at the end.
        private static func columns(of width: Int) -> Int {
            guard width > mostColumns else { return width }
            return Swift.stride(from: mostColumns, through: mostColumns / 4, by: -64).first {
                width % $0 == 0
            }
                ?? mostColumns
        }
    }

    /// The blocks of a kernel that writes panels; `nil` where rows can be written one by one.
    package var panelBlocks: PanelBlocks? { PanelBlocks(self) }
}

extension RowProgram.Store {
    /// Whether a row alone would write parts of lines of panels.
    fileprivate var waitsForBlock: Bool {
        guard case .element(let access, _) = self else { return false }
        switch access.layout {
        case .rowMajor: return false
        case .panels, .transposedPanels: return access.element == .bf16 || access.element == .f32
        }
    }

    fileprivate var isElementOfRow: Bool {
        if case .element(let access, _) = self { access.hasColumns } else { false }
    }
}

extension RowProgram {
    /// One more than the greatest number of a buffer.
    fileprivate var bufferLimit: Int {
        let loaded = ops.flatMap { op -> [Int] in
            switch op {
            case .load(let access): [access.buffer] + (access.indirection.map { [$0.ids] } ?? [])
            case .keep(_, let stream, let rng), .stochasticRound(_, let stream, let rng): [stream, rng]
            case .constant, .column, .row, .extent, .unary, .binary, .compare, .select, .cast, .reduce: []
            }
        }
        let stored = stores.map { store in
            switch store {
            case .element(let access, _): access.buffer
            case .columnSum(let buffer, _), .total(let buffer, _): buffer
            }
        }
        return ((loaded + stored).max() ?? -1) + 1
    }
}
