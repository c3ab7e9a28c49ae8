import GraphCompiler
import Measuring

extension Workload {
    /// All rows but fine-tuning, in the order of the table. `bf16x3` has a row where the compiler knows it.
    package static let all: [Workload] = training + inference + latency + resources + attention

    package static func finetuning(epochs: Int) -> Workload {
        Workload(
            name: "finetune-bf16",
            title:
                "MiniLM on film reviews, bf16, \(epochs) \(epochs == 1 ? "epoch" : "epochs"), whole command",
            kind: .finetuning(epochs: epochs), bar: "6 (stretch 10)")
    }

    private static let training: [Workload] = {
        var rows = [
            training(.bf16, 8, 128, bar: "2.6 (stretch 3.2)", isQuick: true),
            training(.bf16, 32, 128, bar: "2.4 (stretch 3.0)"),
            training(.bf16, 8, 512, bar: "4 (stretch 6)"),
            training(.fp32, 8, 128, isQuick: true),
            training(.fp32, 32, 128, bar: "1.35 (stretch 1.5)"),
        ]
        if let split = Precision(rawValue: "bf16x3") {
            rows.append(training(split, 32, 128, bar: "2 (stretch 2.8), against fp32"))
        }
        return rows
    }()

    private static func training(
        _ precision: Precision, _ batch: Int, _ length: Int, bar: String? = nil, isQuick: Bool = false
    ) -> Workload {
        Workload(
            name: "train-\(precision.rawValue)-\(batch)x\(length)",
            title: "training step, \(precision.rawValue), \(batch) x \(length)",
            kind: .model(ModelWork(precision: precision, batch: batch, length: length)), bar: bar,
            isQuick: isQuick)
    }

    private static let inference = [(Precision.bf16, "2.4 (stretch 3.0)"), (.fp32, "1.2 (stretch 1.4)")].map {
        precision, bar in
        Workload(
            name: "infer-\(precision.rawValue)-8x128", title: "inference, \(precision.rawValue), 8 x 128",
            kind: .model(ModelWork(isTraining: false, precision: precision, batch: 8, length: 128)), bar: bar,
            isQuick: true)
    }

    private static let latency: [Workload] = [Precision.fp32, .bf16].flatMap { precision in
        [8, 24, 96, 480].map { length in
            let work = ModelWork(isTraining: false, precision: precision, batch: 1, length: length)
            return Workload(
                name: "latency-\(precision.rawValue)-\(length)",
                title: "one text, \(precision.rawValue), \(length) tokens",
                kind: .latency(work, runs: 200), bar: "a median within 1.25 of the least",
                isQuick: length == 24)
        }
    }

    private static let resources: [Workload] = {
        let large = ModelWork(precision: .bf16, batch: 32, length: 128)
        var rows = [
            Workload(
                name: "memory-bf16-32x128", title: "peak resident memory, bf16 training, 32 x 128",
                kind: .memory(large), bar: "at most 0.65 (stretch 0.5)"),
            Workload(
                name: "utilisation-bf16-32x128", title: "model FLOPs utilisation, bf16 training, 32 x 128",
                kind: .utilisation(large), bar: "35 % (stretch 50 %)"),
        ]
        for precision in [Precision.bf16, .fp32] {
            rows.append(
                Workload(
                    name: "threads-\(precision.rawValue)-8x128",
                    title: "training step, \(precision.rawValue), 8 x 128, 2 threads against 1",
                    kind: .threads(ModelWork(precision: precision, batch: 8, length: 128)),
                    bar: "1.85 (stretch 1.95)"))
        }
        return rows
    }()

    private static let attention: [Workload] = [Precision.fp32, .bf16].flatMap { precision in
        [27, 128, 512, 2048].flatMap { length in
            [(false, 0.0), (false, 0.1), (true, 0), (true, 0.1)].map { isTraining, dropout in
                attention(
                    AttentionWork(
                        precision: precision, length: length, dropout: dropout, isTraining: isTraining))
            }
        }
    }

    private static func attention(_ work: AttentionWork) -> Workload {
        var (work, size) = (work, "4,096 tokens at \(work.length)")
        if work.length == 27 {
            // MiniLM on sentences.
            (work.tokens, work.headSize) = (32 * 27, 32)
            size = "32 sentences of 27 tokens, heads of 32"
        }
        let pass = work.isTraining ? "forward and backward" : "forward"
        return Workload(
            name:
                "attention-\(work.precision.rawValue)-\(work.length)-\(work.isTraining ? "both" : "forward")"
                + (work.dropout > 0 ? "-dropout" : ""),
            title: "attention \(pass), \(work.precision.rawValue), \(size)"
                + (work.dropout > 0 ? ", dropout \(work.dropout)" : ""),
            kind: .attention(work), isQuick: work.length <= 128)
    }
}
