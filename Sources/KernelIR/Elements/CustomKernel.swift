import GraphIR

/// The kernel of an element-wise custom op with one result: what becomes of one element, as an element program.
///
/// ```swift
/// // x · 1 / (1 + |x|), the softsign
/// let kernel = CustomKernel(softsign) { op, x, program in
///     let size = program.adding(program.constant(1), program.unary(.abs, x[0]))
///     return program.dividing(x[0], size)
/// }
/// ```
///
/// Operands must broadcast to the result's shape as in NumPy. All floats arrive as f32, whatever the tensors hold.
public struct CustomKernel: Sendable {
    /// Appends the steps that compute an element of the result from one of each operand.
    public typealias Body = @Sendable (CustomOp, [ElementID], inout ElementProgram) -> ElementID

    /// The op that the kernel computes.
    public let definition: CustomOpDefinition
    package let body: Body

    /// The kernel of an op.
    ///
    /// - Parameters:
    ///   - definition: an element-wise op with one result.
    ///   - body: appends the steps for one element of the result and returns the last one.
    public init(_ definition: CustomOpDefinition, body: @escaping Body) {
        self.definition = definition
        self.body = body
    }
}
