import ArgumentParser
import Foundation
import GraphCompiler
import Synchronization

/// The processes that a launcher such as `mpirun` has started this one with, from the first command that asks until the tool ends.
enum ProcessSession {
    private static let group = Mutex<ProcessGroup?>(nil)
    /// How long another rank waits for the first one to tell of an error that all have.
    private static let patience: TimeInterval = 3

    /// The group of this process, on cores of its own; `nil` where no launcher has started it.
    /// - Throws: `CommandError` where it can't be joined.
    static func join() throws -> ProcessGroup? {
        do {
            guard let joined = try ProcessGroup.ofLauncher(), joined.size > 1 else { return nil }
            group.withLock { $0 = joined }
            try joined.takePlaces()
            return joined
        } catch {
            throw CommandError(.failure, "\(error)")
        }
    }

    /// Refuses to run a command once for each process of a launcher that can't share its work.
    static func check(_ command: any ParsableCommand) throws {
        guard !(command is TrainCommand || command is GlueCommand),
            let count = ProcessGroup.launchedCount, count > 1
        else { return }
        throw CommandError(
            .usage,
            "a launcher has started \(count) processes, each of which would do all of this; only train and glue share their work"
        )
    }

    /// Whether this process speaks for all.
    static var isFirst: Bool { group.withLock { $0?.isFirst ?? true } }

    /// What is put before an error's line: which process it comes from, unless it is the first. `nil` where another process has
    /// told of its error meanwhile, and ended this one: most errors are of all.
    static func errorPrefix() -> String? {
        guard let group = group.withLock({ $0 }), !group.isFirst else { return "" }
        let end = Date(timeIntervalSinceNow: patience)
        while Date() < end {
            if Interrupt.isRequested { return nil }
            Thread.sleep(forTimeInterval: 0.05)
        }
        return "rank \(group.rank) on \(group.host): "
    }

    /// Leaves the group, if there is one: with all others when the command has come to its end, alone when it failed, which ends
    /// the others as well.
    static func end(status: Int32, failed: Bool) {
        guard let joined = group.withLock({ $0 }) else { return }
        if failed {
            Console.flush()
            joined.abort(status: status)
        } else {
            try? joined.finish()
        }
    }
}
