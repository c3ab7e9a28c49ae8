/// The parameters of every kernel function, in their order.
enum KernelParameters {
    static let buffers = Pointer(parameter: "buffers")
    static let dims = Pointer(parameter: "dims")
    /// The function does tasks `task0 ..< task1`.
    static let task0 = I64(parameter: "task0")
    static let task1 = I64(parameter: "task1")
    /// Memory of the worker that runs the tasks.
    static let scratch = Pointer(parameter: "scratch")

    static var all: [any LLVMValue] { [buffers, dims, task0, task1, scratch] }
}

extension FunctionWriter {
    /// Runs `body` for each task of the kernel function.
    mutating func forEachTask(_ body: (inout FunctionWriter, _ task: I64) -> Void) {
        loop(from: KernelParameters.task0, to: KernelParameters.task1, by: 1, body)
    }
}
