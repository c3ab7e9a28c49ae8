extension ProcessGroup {
    /// What `compute` makes of each number below `count`, given to `use` in order. The processes of a group compute one each at a
    /// time and have all results; without a group this process computes all.
    ///
    /// - Throws: what they throw; also on those processes where nothing is wrong, as `GroupError`.
    package static func share<Element: BitwiseCopyable & Sendable>(
        _ count: Int, in group: ProcessGroup?, _ compute: (Int) throws -> [Element],
        _ use: (Int, [Element]) throws -> Void
    ) throws {
        guard let group, group.size > 1 else {
            for index in 0..<count { try use(index, compute(index)) }
            return
        }
        for start in stride(from: 0, to: count, by: group.size) {
            let own = start + group.rank
            let result = Result { own < count ? try compute(own) : [] }
            let all = try group.allGather(of: result)
            for index in start..<min(count, start + group.size) { try use(index, all[index - start]) }
        }
    }

    /// What each process has come to, or the error of one of them on all.
    ///
    /// - Throws: this process's own error, or a `GroupError` with that of the lowest rank that has one.
    package func allGather<Element: BitwiseCopyable & Sendable>(
        of result: Result<[Element], any Error>
    ) throws -> [[Element]] {
        let own: [UInt8]
        switch result {
        case .success(let elements): own = [0] + elements.withUnsafeBytes { [UInt8]($0) }
        case .failure(let error): own = [1] + Array("rank \(rank) (\(host)): \(error)".utf8)
        }
        let all = try allGather(own)
        if let failure = all.first(where: { $0[0] != 0 }) {
            _ = try result.get()
            throw GroupError(String(decoding: failure.dropFirst(), as: UTF8.self))
        }
        return all.map { bytes in
            bytes.withUnsafeBytes { bytes in
                (0..<(bytes.count - 1) / MemoryLayout<Element>.stride).map {
                    bytes.loadUnaligned(
                        fromByteOffset: 1 + $0 * MemoryLayout<Element>.stride, as: Element.self)
                }
            }
        }
    }
}
