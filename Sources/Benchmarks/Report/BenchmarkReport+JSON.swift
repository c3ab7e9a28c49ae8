import Foundation

extension BenchmarkReport {
    /// One object on one line, names sorted.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

extension BenchmarkResult: Encodable {
    private enum Key: String, CodingKey {
        case name, work, unit, bertc, peer, mode, times, bar
        case ceilingShare = "ceiling_share"
    }

    package func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Key.self)
        try members.encode(name, forKey: .name)
        try members.encode(title, forKey: .work)
        try members.encode(unit, forKey: .unit)
        try members.encode(ours, forKey: .bertc)
        try members.encodeIfPresent(peer?.samples, forKey: .peer)
        try members.encodeIfPresent(peer?.name, forKey: .mode)
        try members.encodeIfPresent(times, forKey: .times)
        try members.encodeIfPresent(bar, forKey: .bar)
        try members.encodeIfPresent(ceilingShare, forKey: .ceilingShare)
    }
}
