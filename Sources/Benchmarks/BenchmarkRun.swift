import Encoders
import Foundation
import GraphCompiler
import Measuring
import Target

/// Measures rows of the table, one after the other.
package struct BenchmarkRun {
    /// The configuration of the models in all rows except fine-tuning.
    let config: EncoderConfig
    let machine: MachineDescription
    /// The instruction set that kernels use.
    let instructionSet: String
    /// Threads of both sides.
    let threads: Int
    let rounds: Int
    let python: PeerPython?
    let modes: [PeerMode]
    /// This program, which measures memory in a process of its own; `bertc` stands beside it.
    let executable: URL
    /// Is told what goes on.
    let note: @Sendable (String) -> Void

    /// - Throws: `BenchmarkError` when the row cannot be measured here, and what the compiler throws.
    package func measure(_ workload: Workload) throws -> BenchmarkResult {
        switch workload.kind {
        case .model(let work): try model(workload, work)
        case .attention(let work): try attention(workload, work)
        case .latency(let work, let runs): try latency(workload, work, runs: runs)
        case .threads(let work): try twoThreads(workload, work)
        case .memory(let work): try memory(workload, work)
        case .utilisation(let work): try utilisation(workload, work)
        case .finetuning(let epochs): try finetuning(workload, epochs: epochs)
        }
    }

    // MARK: Time

    private func model(_ workload: Workload, _ work: ModelWork) throws -> BenchmarkResult {
        if work.precision.rawValue == "bf16x3", Target.named(instructionSet)?.units.bf16 != .tiles {
            throw BenchmarkError("it needs AMX")
        }
        let peers = peers(workload, try work.peerArguments(config), modes)
        return try compared(
            workload, try ModelSubject(work, config, threads: threads), peers,
            repeats: work.isTraining ? 1 : 3,
            flops: work.flops(config), ceiling: machine.flopsPerSecond(in: work.precision))
    }

    private func attention(_ workload: Workload, _ work: AttentionWork) throws -> BenchmarkResult {
        let compiler = try Compiler(CompilerOptions(threads: threads))
        let subject = try AttentionSubject(work, compiler: compiler)
        _ = try subject.seconds(repeating: 2)
        // One library call: there is nothing for torch.compile to do.
        return try compared(
            workload, subject,
            peers(workload, work.peerArguments, [.eager]), repeats: 5,
            flops: work.flops, ceiling: machine.flopsPerSecond(in: work.precision))
    }

    private func latency(_ workload: Workload, _ work: ModelWork, runs: Int) throws -> BenchmarkResult {
        try compared(
            workload, try ModelSubject(work, config, threads: threads, warmup: 20),
            peers(workload, try work.peerArguments(config), modes), repeats: 1,
            samplesPerTurn: (runs + rounds - 1) / rounds,
            flops: work.flops(config), ceiling: machine.flopsPerSecond(in: work.precision))
    }

    private func compared(
        _ workload: Workload, _ ours: any Subject, _ peers: [Interleaving.Side], repeats: Int,
        samplesPerTurn: Int = 1, flops: Double, ceiling: Double
    ) throws -> BenchmarkResult {
        let turns = Interleaving(
            rounds: rounds, repeats: repeats, samplesPerTurn: samplesPerTurn, note: note)
        let result = try turns.run(ours, against: peers)
        return BenchmarkResult(
            workload, ours: result.ours, peer: result.peer.map { BenchmarkResult.Peer($0.name, $0.samples) },
            ceilingShare: flops / result.ours.median / ceiling)
    }

    private func twoThreads(_ workload: Workload, _ work: ModelWork) throws -> BenchmarkResult {
        guard threads >= 2 else { throw BenchmarkError("there is one thread only") }
        let sides = try [2, 1].map { try ModelSubject(work, config, threads: $0) }
        let result = try Interleaving(rounds: rounds, repeats: 1, note: note).run(
            sides[0], against: [Interleaving.Side("bertc, 1 thread", sides[1])])
        return BenchmarkResult(
            workload, ours: result.ours, peer: result.peer.map { BenchmarkResult.Peer($0.name, $0.samples) })
    }

    private func utilisation(_ workload: Workload, _ work: ModelWork) throws -> BenchmarkResult {
        let subject = try ModelSubject(work, config, threads: threads)
        let seconds = try Interleaving(rounds: rounds, repeats: 1, note: note).run(subject, against: []).ours
        let best = work.flops(config) / machine.flopsPerSecond(in: work.precision)
        return BenchmarkResult(workload, unit: .share, ours: Samples(seconds.values.map { best / $0 }))
    }

    /// Peers that are up and warm; one that is not is left out.
    private func peers(
        _ workload: Workload, _ arguments: [String], _ modes: [PeerMode]
    ) -> [Interleaving.Side] {
        guard let python else { return [] }
        return modes.compactMap { mode in
            attempt("\(workload.name), \(mode.title)") {
                Interleaving.Side(
                    mode.title, try PeerProcess(python, arguments, mode: mode, threads: threads))
            }
        }
    }

    /// `nil`, and a note, when `body` throws.
    private func attempt<Result>(_ what: String, _ body: () throws -> Result) -> Result? {
        do {
            return try body()
        } catch {
            note("\(what): \(error)")
            return nil
        }
    }

    // MARK: Whole processes

    private func memory(_ workload: Workload, _ work: ModelWork) throws -> BenchmarkResult {
        let arguments = try PeakMemoryCommand.arguments(work, config, threads: threads)
        let output = try ChildProcess.run([executable.path] + arguments).output
        guard let peak = Double(output.trimmingCharacters(in: .whitespacesAndNewlines)), peak > 0 else {
            throw BenchmarkError("the system does not say how much memory a process had")
        }
        let peers = try python.map { python in
            let arguments = try work.peerArguments(config)
            return modes.compactMap { mode in
                attempt("\(workload.name), \(mode.title)") {
                    let peer = try PeerProcess(
                        python, arguments, mode: mode, threads: threads, warmup: PeakMemoryCommand.steps)
                    return BenchmarkResult.Peer(mode.title, Samples([Double(peer.peakByteCount)]))
                }
            }
        }
        return BenchmarkResult(
            workload, unit: .bytes, ours: Samples([peak]),
            peer: peers?.min { $0.samples.median < $1.samples.median })
    }

    private func finetuning(_ workload: Workload, epochs: Int) throws -> BenchmarkResult {
        let (tool, configuration) = (
            executable.deletingLastPathComponent().appendingPathComponent("bertc").path,
            "Examples/rt/train.json"
        )
        for file in [tool, configuration, "data/minilm", "data/rt.train.tsv"] {
            guard FileManager.default.fileExists(atPath: file) else {
                throw BenchmarkError("\(file) is missing; `make fetch` and `make build` bring what it needs")
            }
        }
        let results = FileManager.default.temporaryDirectory.appendingPathComponent(
            "bertc-benchmarks-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: results) }
        let fields = ["epochs=\(epochs)", "resume=null", "outputDirectory=\(results.path)"]
        let ours = try ChildProcess.run(
            [tool, "train", configuration, "--quiet", "--precision", "bf16", "--threads", "\(threads)"]
                + fields.flatMap { ["--set", $0] }
        ).seconds
        let peers = python.map { python in
            modes.compactMap { mode in
                attempt("\(workload.name), \(mode.title)") {
                    let seconds = try ChildProcess.run([
                        "OMP_NUM_THREADS=\(threads)", python.interpreter, PeerPython.script("finetune"),
                        "--model", "data/minilm", "--task", "data/rt", "--epochs", "\(epochs)",
                        "--mode", mode.rawValue, "--threads", "\(threads)",
                    ]).seconds
                    return BenchmarkResult.Peer(mode.title, Samples([seconds]))
                }
            }
        }
        return BenchmarkResult(
            workload, ours: Samples([ours]), peer: peers?.min { $0.samples.median < $1.samples.median })
    }
}
