import Target

extension ContractionTile {
    /// The depth of blocks: as much of the left operand's rows as the level-1 cache holds, for every register tile reads
    /// them again, while panels stream through it.
    static func depth(_ caches: CacheSizes, rows: Int, elementByteCount: Int) -> Int {
        let fitting = caches.level1 / (rows * elementByteCount) / 64 * 64
        return min(max(fitting, 128), 2048)
    }

    /// Panels of a chunk of columns, `depth` rows each: they take five eighths of the level-2 cache, for the rows of a
    /// task read them again. Vectors need one block of their depth there. Tiles need all of it: they multiply faster than
    /// panels come from farther away.
    ///
    /// - Parameter packsLeft: whether every chunk packs a transposed left operand again.
    package func chunkPanels(_ caches: CacheSizes, depth whole: Extent, packsLeft: Bool) -> Int {
        let rows =
            runsOnTiles
            ? max(1, whole.fixedValue ?? Self.symbolicDepth) : min(depth, whole.fixedValue ?? depth)
        let fitting = caches.level2 * 5 / 8 / (columns * rows * panelCellByteCount)
        if runsOnTiles { return min(max(fitting, 1), 24) }
        return (fitting < 8 ? max(fitting, 1) : fitting / 8 * 8) * (packsLeft ? 2 : 1)
    }

    /// What a depth that is known only when the graph runs is taken for.
    private static let symbolicDepth = 2048
}
