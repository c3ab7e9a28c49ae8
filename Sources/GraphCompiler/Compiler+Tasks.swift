import Runtime
import Support

extension WorkerPool: TaskRunner {}

extension Compiler {
    /// The compiler's threads, for work that is not a program's. Not to be used while a program runs.
    package var tasks: any TaskRunner { pool }

    /// Threads for work without a compiler.
    ///
    /// - Parameter threads: how many; `nil` for one per usable core.
    package static func tasks(threads: Int?) -> any TaskRunner {
        WorkerPool(threads: threads ?? ThreadChoice.ofProcess().count)
    }
}
