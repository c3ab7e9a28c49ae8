/// Runs tasks, on one thread or several; what a task does must not depend on which thread it runs on.
package protocol TaskRunner: Sendable {
    /// Runs `body` over `0..<tasks`, every task exactly once, and returns when all are done.
    ///
    /// - Parameter body: is given the number of a thread and some tasks.
    func run(tasks: Int, _ body: (_ worker: Int, _ tasks: Range<Int>) -> Void)
}

extension TaskRunner {
    /// What `body` makes of each number below `count`, in order.
    package func map<Result>(_ count: Int, _ body: (Int) -> Result) -> [Result] {
        [Result](unsafeUninitializedCapacity: count) { results, initializedCount in
            let results = results
            run(tasks: count) { _, tasks in
                for task in tasks { results.initializeElement(at: task, to: body(task)) }
            }
            initializedCount = count
        }
    }

    /// The same with a body that throws; the error is that of the first number that has one.
    package func map<Result>(_ count: Int, throwing body: (Int) throws -> Result) throws -> [Result] {
        let results = map(count) { task in Swift.Result { try body(task) } }
        return try results.map { try $0.get() }
    }

    /// What `body` makes of each part when `count` things are cut into so many parts.
    package func map<Result>(_ count: Int, parts: Int, _ body: (Range<Int>) -> Result) -> [Result] {
        let parts = max(1, min(parts, count))
        return map(parts) { body(count * $0 / parts..<count * ($0 + 1) / parts) }
    }
}

/// Runs tasks one after another.
package struct CallingThread: TaskRunner {
    package init() {}

    package func run(tasks: Int, _ body: (_ worker: Int, _ tasks: Range<Int>) -> Void) {
        if tasks > 0 { body(0, 0..<tasks) }
    }
}
