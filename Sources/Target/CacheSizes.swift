/// The caches of a processor, in bytes: blocks of products are sized for them.
package struct CacheSizes: Hashable, Sendable {
    /// Level 1 of one core, data.
    package let level1: Int
    /// Level 2 of one core.
    package let level2: Int
    /// Level 3, which cores share.
    package let level3: Int

    package init(level1: Int, level2: Int, level3: Int) {
        self.level1 = level1
        self.level2 = level2
        self.level3 = level3
    }

    /// What is assumed where the system does not say.
    package static let usual = CacheSizes(level1: 48 << 10, level2: 1 << 20, level3: 32 << 20)
}
