import Target
import Testing
import Transforms

@Suite struct CostModelTests {
    static let model = CostModel(
        rates: Rates(
            bytesPerSecond: 10, operationsPerSecond: 20,
            flopsPerSecond: ByElement(f32: 100, bf16: 200, f16: 100)))

    @Test func timeIsTheLongerOfMovingAndComputing() {
        #expect(Self.model.seconds(byteCount: 30, contractionFlops: 100, operations: 20) == 3)
        #expect(Self.model.seconds(byteCount: 10, contractionFlops: 100, operations: 20) == 2)
        #expect(Self.model.seconds(byteCount: 0, contractionFlops: 0, operations: 0) == 0)
    }
}
