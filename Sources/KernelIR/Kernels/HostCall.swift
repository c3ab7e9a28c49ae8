/// What the host does by itself between the loops of generated code, on the buffers of its launch: each a template of its own
/// for sizes, traffic and checks, and a `HostFunction`, which the compiler asks the kernel library for.
package enum HostCall: Hashable, Sendable {
    /// A product of matrices by OpenBLAS.
    case matmul(LibraryMatmul)

    var template: any KernelTemplate {
        switch self {
        case .matmul(let product): product
        }
    }
}
