/// One side of a comparison, set up and warm.
package protocol Subject {
    /// Does the work `count` times.
    ///
    /// - Returns: the seconds that one takes.
    func seconds(repeating count: Int) throws -> Double
}

extension Subject {
    /// Seconds of one of `count` calls of `body`.
    package func time(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
        let begin = ContinuousClock.now
        for _ in 0..<count { try body() }
        return (ContinuousClock.now - begin) / .seconds(1) / Double(count)
    }
}
