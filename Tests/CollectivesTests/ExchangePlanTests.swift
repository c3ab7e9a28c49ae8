import Testing

@testable import Collectives

@Suite struct ExchangePlanTests {
    private let tensors = [
        ExchangePlan.Tensor(name: "last", count: 1000, ready: 9),
        ExchangePlan.Tensor(name: "first", count: 333, ready: 2),
        ExchangePlan.Tensor(name: "small", count: 1, ready: 5),
    ]

    @Test(arguments: [1, 2, 3, 4, 7])
    func everyElementHasOneOwner(size: Int) {
        let plan = ExchangePlan(tensors, size: size, bucketByteCount: 1024)
        var owners = tensors.map { [Int](repeating: -1, count: $0.count) }
        for bucket in plan.buckets {
            #expect(bucket.count * 4 <= 1024)
            for (owner, pieces) in bucket.pieces.enumerated() {
                for piece in pieces {
                    for element in piece.range {
                        #expect(owners[piece.tensor][element] == -1)
                        owners[piece.tensor][element] = owner
                    }
                    #expect(tensors[piece.tensor].ready <= bucket.ready)
                }
            }
        }
        #expect(owners.joined().allSatisfy { (0..<size).contains($0) })
        #expect(plan.buckets.map(\.ready) == plan.buckets.map(\.ready).sorted())
        #expect(plan.tensors[plan.buckets[0].pieces.joined().first?.tensor ?? 0].name == "first")
    }

    @Test func tensorsWithAnOwnerStayWhole() {
        let plan = ExchangePlan(tensors, size: 3, owners: ["last": 2, "small": 1], bucketByteCount: 1024)
        for bucket in plan.buckets {
            for (owner, pieces) in bucket.pieces.enumerated() {
                for piece in pieces where piece.tensor != 1 { #expect(owner == (piece.tensor == 0 ? 2 : 1)) }
            }
        }
        #expect(plan.count == 1334)
        #expect(plan.count(of: 2) >= 1000)
    }
}
