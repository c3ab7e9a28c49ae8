import Target
import Testing
import Transforms

@Suite struct CostModelTests {
    static let model = CostModel(
        rates: Rates(
            bytesPerSecond: 10, operationsPerSecond: 20,
            flopsPerSecond: ByElement(f32: 100, bf16: 200, f16: 100, i8: 200)))

    @Test func timeIsOfProductsAndOfOtherInstructionsOrMoving() {
        #expect(Self.model.seconds(byteCount: 30, contractionFlops: 100, instructions: 0) == 4)
        #expect(
            Self.model.seconds(byteCount: 1, contractionFlops: 100, bf16Flops: 100, instructions: 25) == 1)
        #expect(Self.model.seconds(byteCount: 0, contractionFlops: 0, instructions: 0) == 0)
    }
}
