import Benchmarks
import Foundation
import Measuring
import Testing

@Suite struct ReportTests {
    private func workload(_ name: String) throws -> Workload {
        try #require(Workload.all.first { $0.name == name })
    }

    private func report() throws -> BenchmarkReport {
        var report = BenchmarkReport(
            machine: MachineDescription(
                name: "A processor, avx2, 2 threads", cores: 2, flopsPerSecond: 4e11,
                bf16FlopsPerSecond: 9e11, versions: nil))
        report.results = [
            BenchmarkResult(
                try workload("train-bf16-8x128"), ours: Samples([0.5, 0.4, 0.51]),
                peer: BenchmarkResult.Peer("PyTorch eager", Samples([1.25, 1.2, 1.3])), ceilingShare: 0.414),
            BenchmarkResult(
                try workload("memory-bf16-32x128"), unit: .bytes, ours: Samples([2e9]),
                peer: BenchmarkResult.Peer("torch.compile", Samples([4e9]))),
            BenchmarkResult(
                try workload("utilisation-bf16-32x128"), unit: .share, ours: Samples([0.25, 0.3])),
        ]
        report.omit(try workload("threads-fp32-8x128"), because: "there is one thread only")
        return report
    }

    @Test func table() throws {
        #expect(
            try report().markdown == """
                A processor, avx2, 2 threads; 2 cores; no PyTorch.
                Measured ceilings: f32 400 GFLOP/s, bf16 900 GFLOP/s.

                | work | bertc | peer | the peer is | times | bar | of the ceiling |
                | --- | --- | --- | --- | --- | --- | --- |
                | training step, bf16, 8 x 128 | 500.0 ms (400.0 to 510.0) | 1.25 s (1.20 to 1.30) \
                | PyTorch eager | 2.50 | 2.6 (stretch 3.2) | 41.4 % |
                | peak resident memory, bf16 training, 32 x 128 | 2000 MB | 4000 MB | torch.compile | 0.50 \
                | at most 0.65 (stretch 0.5) | - |
                | model FLOPs utilisation, bf16 training, 32 x 128 | 27.5 % (25.0 to 30.0) | - | - | - \
                | 35 % (stretch 50 %) | - |

                threads-fp32-8x128 is left out: there is one thread only.

                """)
    }

    @Test func json() throws {
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(report().json().utf8)) as? [String: Any])
        let results = try #require(object["results"] as? [[String: Any]])
        #expect(results.count == 3)
        #expect(results[0]["name"] as? String == "train-bf16-8x128")
        #expect(results[0]["times"] as? Double == 2.5)
        #expect(results[0]["mode"] as? String == "PyTorch eager")
        #expect((results[0]["bertc"] as? [String: Any])?["samples"] as? [Double] == [0.4, 0.5, 0.51])
        #expect(results[1]["unit"] as? String == "bytes")
        #expect(results[1]["times"] as? Double == 0.5)
        #expect(results[2]["peer"] == nil)
        #expect((object["omitted"] as? [[String: String]])?.first?["name"] == "threads-fp32-8x128")
        #expect((object["machine"] as? [String: Any])?["cores"] as? Int == 2)
    }

    @Test func namesAreUniqueAndSelectedByTheirBeginning() throws {
        #expect(Set(Workload.all.map(\.name)).count == Workload.all.count)
        #expect(Workload.all.filter { $0.matches("attention-bf16") }.count == 16)
        #expect(Workload.all.filter { $0.matches("train-bf16-8x128") }.count == 1)
        #expect(!Workload.all.contains { $0.matches("attent") })
    }
}
