import Foundation
import Runtime

/// The two functions of OpenBLAS that are used, loaded from the system's library when products first ask for them:
/// whoever does without it needs neither the library nor the threads that it starts.
struct OpenBLAS: Sendable {
    /// cblas.h's enumerations.
    enum Order: Int32 { case rowMajor = 101 }
    enum Transpose: Int32 {
        case no = 111
        case yes = 112
    }

    // swift-format-ignore: AlwaysUseLowerCamelCase
    /// `cblas_sgemm` with C's `int`, as OpenBLAS is built by default.
    typealias Multiply =
        @convention(c) (
            _ order: Int32, _ transposeA: Int32, _ transposeB: Int32, _ m: Int32, _ n: Int32, _ k: Int32,
            _ alpha: Float, _ a: UnsafePointer<Float>?, _ lda: Int32, _ b: UnsafePointer<Float>?,
            _ ldb: Int32,
            _ beta: Float, _ c: UnsafeMutablePointer<Float>?, _ ldc: Int32
        ) -> Void

    let setThreads: @convention(c) (Int32) -> Void
    let multiply: Multiply

    /// The library, loaded once.
    static func library() throws(ExecutionError) -> OpenBLAS { try loaded.get() }

    private static let loaded = Result { () throws(ExecutionError) in try OpenBLAS() }

    private init() throws(ExecutionError) {
        // It starts a thread for each core when it is loaded, and waits for ever for one that gets no memory; `setThreads`
        // starts those that are used.
        setenv("OPENBLAS_NUM_THREADS", "1", 1)
        func failure() -> ExecutionError {
            let reason = dlerror().map { String(cString: $0) } ?? "no reason is known"
            return ExecutionError(
                "needs the OpenBLAS library (\(reason)); install it (Debian: libopenblas0) or use the generated kernels",
                at: "matmul \"openblas\"")
        }
        guard let library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL),
            let setThreads = dlsym(library, "openblas_set_num_threads"),
            let multiply = dlsym(library, "cblas_sgemm")
        else { throw failure() }
        self.setThreads = unsafeBitCast(setThreads, to: (@convention(c) (Int32) -> Void).self)
        self.multiply = unsafeBitCast(multiply, to: Multiply.self)
    }
}
