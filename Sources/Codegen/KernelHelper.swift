import Target

/// Functions that kernels call, in a module of their own: they are compiled once for all kernels that call them.
package struct KernelHelper: Hashable, Sendable {
    enum Unit: Hashable {
        /// The register tile of dense products.
        case vectors(MicroKernel)
        case tiles(TileKernel)
        /// A product of attention's tiles.
        case product(TileProduct)
        /// Dropout's mask for a tile of attention's.
        case keep(KeepTile)
    }

    let unit: Unit

    /// The names of the functions that kernels call.
    package var symbols: [String] {
        switch unit {
        case .vectors(let micro): micro.symbols
        case .tiles(let tiles): [tiles.name]
        case .product(let product): product.symbols
        case .keep: [KeepTile.name]
        }
    }

    func text(_ target: Target) -> String {
        switch unit {
        case .vectors(let micro): micro.text(target)
        case .tiles(let tiles): tiles.text(target)
        case .product(let product): product.text(target)
        case .keep(let keep): keep.text(target)
        }
    }
}
