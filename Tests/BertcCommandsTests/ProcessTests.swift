import Foundation
import TestSupport
import Testing

/// `bertc` under a launcher of processes.
@Suite struct ProcessTests {
    /// What a launcher says to a process.
    private static let launched = "OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=0"

    @Test func commandsThatShareNothingRefuse() throws {
        let scratch = try TemporaryDirectory()
        let result = try Tool.shell("\(Self.launched) $B roofline", in: scratch)
        #expect(result.status == 64)
        #expect(result.error.contains("a launcher has started 2 processes"))
        #expect(result.error.split(separator: "\n").count == 1)
    }

    #if MPI
        /// Runs as root in containers, and more processes than cores.
        private static let mpirun =
            "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 "
            + "mpirun"

        private static func model(_ name: String, in scratch: TemporaryDirectory) throws -> Data {
            try Data(contentsOf: scratch.url("\(name)/model.safetensors"))
        }

        @Test func processesOfMPIAreMicroBatches() throws {
            let scratch = try TemporaryDirectory()
            try TinyTraining.write(to: scratch, more: ["batchSize": "1"])
            let one = try Tool.shell(
                "$B train --set outputDirectory=one --set gradientAccumulation=3 --json | tail -1",
                in: scratch)
            #expect(one.status == 0)
            let three = try Tool.shell(
                "\(Self.mpirun) -np 3 $B train --set outputDirectory=three --json", in: scratch)
            #expect(three.status == 0, "\(three.error)")
            #expect(try Self.model("one", in: scratch) == Self.model("three", in: scratch))
            #expect(three.outputLines.count { $0.contains("\"started\"") } == 1)
            #expect(three.output.contains("\"processes\": [{\"kernel_seconds\""))
        }

        @Test func differentConfigurationsDoNotBegin() throws {
            let scratch = try TemporaryDirectory()
            try TinyTraining.write(to: scratch)
            let result = try Tool.shell(
                "\(Self.mpirun) -np 1 $B train --set seed=1 : -np 1 $B train --set seed=2", in: scratch)
            #expect(result.status != 0)
            #expect(result.error.contains("bertc: error: values of 'seed' differ: rank 0"))
            #expect(!result.error.contains("bertc: error: rank 1"))
        }

        @Test func aKilledProcessEndsAllAndTheRunGoesOn() throws {
            let scratch = try TemporaryDirectory()
            try TinyTraining.write(
                to: scratch,
                more: ["batchSize": "1", "epochs": "60", "saveEvery": "20", "resume": "\"latest\""])
            let line = "\(Self.mpirun) -np 2 $B train --set outputDirectory="
            let whole = try Tool.shell("\(line)whole", in: scratch)
            #expect(whole.status == 0, "\(whole.error)")
            // The process with rank 1 is killed when the first checkpoint is there.
            let killed = try Tool.shell(
                """
                \(line)parts & launcher=$!
                until ls parts/checkpoints/step-* >/dev/null 2>&1 || ! kill -0 $launcher; do sleep 0.02; done
                rank=$(pgrep -P $launcher | tail -1); start=$SECONDS; kill -9 $rank; wait $launcher
                echo "status $? seconds $((SECONDS - start))"
                """, in: scratch)
            let end = try #require(
                killed.outputLines.last?.wholeMatch(of: /status ([0-9]+) seconds ([0-9]+)/),
                "\(killed.output) \(killed.error)")
            #expect(end.1 != "0" && Int(end.2) ?? 99 <= 10)
            #expect(killed.error.contains("rank"))
            let rest = try Tool.shell("\(line)parts", in: scratch)
            #expect(rest.status == 0, "\(rest.error)")
            #expect(try Self.model("parts", in: scratch) == Self.model("whole", in: scratch))
        }
    #else
        @Test func aBuildWithoutMPISaysSo() throws {
            let scratch = try TemporaryDirectory()
            try TinyTraining.write(to: scratch)
            let result = try Tool.shell("\(Self.launched) $B train", in: scratch)
            #expect(result.status == 70)
            #expect(result.error.contains("this bertc was built without MPI"))
            #expect(result.error.contains("--traits MPI"))
        }
    #endif
}
