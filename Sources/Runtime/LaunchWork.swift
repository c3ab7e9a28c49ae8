import Foundation
import Target

/// The phase that the workers run now. One object serves all launches of an executor, so that a launch allocates
/// nothing.
final class LaunchWork: @unchecked Sendable {
    // Written by the caller between two runs of the pool, which orders them with the workers' reads.
    private var function: KernelFunction?
    private var buffers: UnsafePointer<UnsafeMutableRawPointer?>?
    private var dims: UnsafePointer<Int64>?
    private var launch = 0
    /// Where each worker notes what it did, if it does.
    var trace: RunTrace?
    /// A piece of memory for each worker.
    var scratch: [UnsafeMutableRawPointer] = []

    func set(
        _ function: KernelFunction, _ buffers: UnsafePointer<UnsafeMutableRawPointer?>,
        _ dims: UnsafePointer<Int64>, launch: Int
    ) {
        (self.function, self.buffers, self.dims, self.launch) = (function, buffers, dims, launch)
    }

    func run(_ worker: Int, _ tasks: Range<Int>) {
        guard let function, let buffers, let dims else { return }
        let begin = trace == nil ? 0 : RunTrace.now
        function(buffers: buffers, dims: dims, tasks: tasks, scratch: scratch[worker])
        trace?.note(launch, of: worker, from: begin)
    }
}
