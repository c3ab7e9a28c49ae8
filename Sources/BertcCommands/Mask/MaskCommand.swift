import ArgumentParser
import Encoders
import Foundation
import GraphCompiler
import Support

/// `bertc mask`: what an attention mask keeps, and what it saves.
struct MaskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mask",
        abstract: "Shows an attention mask: its pattern, its sparsity and the time it saves.",
        discussion: """
            A mask is a name with parameters (docs/attention.md), which the masks of SparseBERT's table can leave
            out, or a mask file. The speed-up is that of attention forward and backward over one sequence.

            EXAMPLE:
              bertc mask bigbird --seq 2048
              bertc mask 'window(w=64)' --seq 4096 --png window.png
              bertc mask masks/learned.txt --seq 128 --head 3
            """)

    @Argument(help: "A mask such as bigbird or 'window(w=4)', or a mask file.")
    var mask: String

    @Option(name: .customLong("seq"), help: "Tokens of the sequence.")
    var length = 128

    @Option(help: "Heads of attention.")
    var heads = 12

    @Option(name: .customLong("head-size"), help: "Width of a head.")
    var headSize = 64

    @Option(help: "The head whose pattern is shown.")
    var head = 0

    @Option(
        parsing: .unconditional, help: "Also write the picture to this PNG file, black where a key is kept.")
    var png: String?

    @Flag(name: .customLong("no-run"), help: "Don't measure the speed-up.")
    var noRun = false

    @OptionGroup(title: "Common options") var global: GlobalOptions

    func validate() throws {
        for (name, value, most) in [
            ("--seq", length, 65536), ("--heads", heads, 1024), ("--head-size", headSize, 1024),
        ] where !(1...most).contains(value) {
            throw ValidationError("\(name) is \(value); expected 1 to \(most)")
        }
        guard (0..<heads).contains(head) else {
            throw ValidationError("--head is \(head); expected 0 to \(heads - 1)")
        }
    }

    func run() throws {
        let mask = try parsedMask()
        if let size = mask.size, length > size {
            throw CommandError(.usage, "--seq is \(length), but the mask is for at most \(size) tokens")
        }
        let file = try png.map { try AtomicFile(replacing: URL(file: $0)) }
        let picture = MaskPicture(mask.pattern(head: head), length: length)
        if let file {
            try PNGImage(picture.reduced(to: 2048)).bytes.withUnsafeBytes { try file.write($0) }
            try file.commit()
        }
        let compiler = try global.makeCompiler(global.compilerOptions)
        let cost = try MaskCost(
            mask, length: length, heads: heads, headSize: headSize, compiler: compiler, measures: !noRun)
        let sparsity =
            Double((0..<heads).reduce(0) { $0 + excluded(mask, head: $1, shown: picture) })
            / (Double(heads) * Double(length) * Double(length))
        if global.json { return Console.print("\(json(mask, sparsity, cost))") }
        if !global.quiet { Console.write(picture.reduced(to: 80).text + "\n") }
        Console.write(page(mask, sparsity, cost))
    }

    private func parsedMask() throws -> AttentionMask {
        do {
            let mask: AttentionMask
            if FileManager.default.fileExists(atPath: self.mask) {
                guard let text = String(validating: try readFile(self.mask), as: UTF8.self) else {
                    throw CommandError(.badData, "\(self.mask): is not UTF-8 text; expected a mask file")
                }
                mask = try AttentionMask(parsingFile: text, file: self.mask)
            } else {
                mask = try AttentionMask(parsing: self.mask)
            }
            try mask.check(heads: heads)
            return mask
        } catch let error as IRError {
            let place = error.place.isEmpty ? "" : "\(error.place): "
            throw CommandError(.badData, place + error.message)
        }
    }

    /// Pairs that a head leaves out; `shown` is the pattern of the head that is shown.
    private func excluded(_ mask: AttentionMask, head: Int, shown: MaskPicture) -> Int {
        let isShown = mask.pattern(head: head) == mask.pattern(head: self.head)
        let grid = isShown ? shown : MaskPicture(mask.pattern(head: head), length: length)
        return length * length - grid.keptCount
    }

    private func page(_ mask: AttentionMask, _ sparsity: Double, _ cost: MaskCost) -> String {
        func percent(_ share: Double) -> String { "\(Formatted.number(share * 100, digits: 1)) %" }
        let counts = cost.tiles
        let tile = "\(cost.tile.queries) queries x \(cost.tile.keys) keys"
        var text = """
            mask      \(Formatted.clipped(mask.description, 100))
            elements  \(percent(sparsity)) of \(length) x \(length) left out
            tiles     \(percent(1 - counts.work)) left out: \(counts.empty) empty, \(counts.full) full, \
            \(counts.partial) partial, of \(tile) in \(heads) heads
            speed-up  \(Formatted.number(cost.predictedSpeedUp, digits: 2)) predicted
            """
        if let measured = cost.measured {
            text += """
                , \(Formatted.number(measured.dense / measured.masked, digits: 2)) measured: \
                \(Formatted.seconds(measured.dense)) dense, \(Formatted.seconds(measured.masked)) masked
                """
        }
        return text + "\n"
    }

    private func json(_ mask: AttentionMask, _ sparsity: Double, _ cost: MaskCost) -> JSONValue {
        .object([
            ("mask", .string(mask.description)), ("length", .integer(length)),
            ("sparsity", .double(sparsity)),
            ("tile_queries", .integer(cost.tile.queries)), ("tile_keys", .integer(cost.tile.keys)),
            ("tiles_empty", .integer(cost.tiles.empty)), ("tiles_full", .integer(cost.tiles.full)),
            ("tiles_partial", .integer(cost.tiles.partial)),
            ("predicted_speed_up", .double(cost.predictedSpeedUp)),
            ("dense_seconds", cost.measured.map { .double($0.dense) } ?? .null),
            ("masked_seconds", cost.measured.map { .double($0.masked) } ?? .null),
        ])
    }
}
