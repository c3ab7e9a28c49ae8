/// Finds the places of scalars that a step makes, as HF's `NormalizedString.transform` does: each new scalar says whether
/// it takes the place of the next scalar of the source, of several, or of none.
struct PlaceCounter {
    /// What is left of the source.
    private var position = 0

    /// Goes on from another place of the source.
    mutating func skip(to position: Int) { self.position = position }

    /// The place of a new scalar.
    ///
    /// - Parameter change: 1 for one that is added after the last, 0 for one that replaces the next scalar, `-n` for one
    ///   that replaces the next and `n` more.
    mutating func place(of change: Int, in source: UnsafeBufferPointer<UInt8>) -> Int {
        if change > 0 { return position - 1 }
        let place = position
        for _ in 0...(-change) where position < source.count {
            position += UTF8Scalar.decode(source, at: position).length
        }
        return min(place, source.count - 1)
    }
}
