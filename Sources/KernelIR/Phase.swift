import GraphIR

/// One parallel loop of a kernel.
package enum Phase: Hashable, Sendable {
    case rows(RowKernel)
    case pack(PackPanels)
    case block(BlockKernel)
    case problems(ProductBatch)
    case attention(AttentionKernel)
    case scatterAdd(ScatterAdd)
    case coalesce(CoalesceRows)
    case segments(SegmentKernel)
    case copy(StridedCopy)
    /// No loop of generated code.
    case host(HostCall)

    /// The phase as what all templates have in common. Code generation has the one other switch over all cases.
    private var template: any KernelTemplate {
        switch self {
        case .rows(let kernel): kernel
        case .pack(let kernel): kernel
        case .block(let kernel): kernel
        case .problems(let kernel): kernel
        case .attention(let kernel): kernel
        case .scatterAdd(let kernel): kernel
        case .coalesce(let kernel): kernel
        case .segments(let kernel): kernel
        case .copy(let kernel): kernel
        case .host(let call): call.template
        }
    }
}

extension Phase: KernelTemplate {
    package var templateName: String { template.templateName }
    package var suffix: String { template.suffix }
    package var contractionElement: ElementType? { template.contractionElement }
    package var description: String { template.description }

    package func taskCount(_ symbols: [String: Int]) -> Int { template.taskCount(symbols) }
    package func scratchByteCount(_ symbols: [String: Int]) -> Int { template.scratchByteCount(symbols) }
    package func contractionFlopCount(_ symbols: [String: Int]) -> Int {
        template.contractionFlopCount(symbols)
    }
    package func flopCount(_ symbols: [String: Int]) -> Int { template.flopCount(symbols) }
    package func instructionCount(_ symbols: [String: Int]) -> Int { template.instructionCount(symbols) }
    package func countTraffic(_ counter: inout TrafficCounter) { template.countTraffic(&counter) }
    package func verify(_ verifier: inout KernelVerifier) throws(IRError) { try template.verify(&verifier) }
}
