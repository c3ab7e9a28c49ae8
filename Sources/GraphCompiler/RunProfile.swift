import Roofline
import Runtime
import Transforms

/// Where the time of an executor's runs went, and what there was to do.
public struct RunProfile: Sendable {
    /// What each kernel did, by its name.
    public let kernels: [String: KernelUse]
    /// What the machine reaches.
    package let ceilings: Ceilings
    /// What predicts the compiler's times.
    package let costModel: CostModel

    package init(kernels: [String: KernelUse], ceilings: Ceilings, costModel: CostModel) {
        self.kernels = kernels
        self.ceilings = ceilings
        self.costModel = costModel
    }

    /// What the compiler predicts for the work of a kernel, in seconds.
    public func predictedSeconds(_ use: KernelUse) -> Double {
        costModel.seconds(
            byteCount: use.work.byteCount, contractionFlops: use.work.contractionFlops,
            bf16Flops: use.work.bf16Flops, instructions: use.work.instructions)
    }
}
