import BertcCommands
import Pipelines
import Testing

@Suite struct GlueTableTests {
    /// A classifier that is right in `right` of 10 examples with label 1, and in all 10 with label 0.
    private func labels(_ right: Int, _ count: Int = 2) -> EvaluationMetrics {
        let targets = (0..<20).map { $0 < 10 ? 1 : 0 }
        let logits = (0..<20).map { index in
            (0..<count).map { $0 == (index < right ? 1 : 0) ? Float(1) : 0 }
        }
        return EvaluationMetrics(logits: logits, targets: targets, labelCount: count)
    }

    private func result(_ scores: (String, EvaluationMetrics)...) -> GlueResult {
        GlueResult(step: 30, seconds: 61, scores: scores.map { GlueScore(name: $0.0, metrics: $0.1) })
    }

    @Test func allNineColumns() {
        let numbers = EvaluationMetrics(predictions: [1, 2, 4, 3], targets: [1, 2, 3, 4])
        let table = GlueTable(
            model: "m",
            results: [
                .mnli: result(("MNLI-m", labels(10, 3)), ("MNLI-mm", labels(8, 3))),
                .qqp: result(("QQP", labels(8))),
                .qnli: result(("QNLI", labels(6))), .sst2: result(("SST-2", labels(9))),
                .cola: result(("CoLA", labels(5))), .stsb: result(("STS-B", numbers)),
                .mrpc: result(("MRPC", labels(9)), ("MRPC test", labels(5))),
                .rte: result(("RTE", labels(2))),
                .wnli: result(("WNLI", labels(0))),
            ])
        #expect(
            "\(table)" == """
                model  MNLI-(m/mm)   QQP  QNLI  SST-2  CoLA  STS-B  MRPC   RTE  average
                m       100.0/90.0  88.9  80.0   95.0  57.7   80.0  94.7  60.0     82.9

                task       examples  metrics                            loss  best step  time
                CoLA             20  matthews 0.5774                  0.5633         30  1:01
                SST-2            20  accuracy 0.9500                  0.3633         30  1:01
                MRPC             20  f1 0.9474, accuracy 0.9500       0.3633         30  1:01
                MRPC test        20  f1 0.6667, accuracy 0.7500       0.5633
                STS-B             4  spearman 0.8000, pearson 0.8000  0.5000         30  1:01
                QQP              20  f1 0.8889, accuracy 0.9000       0.4133         30  1:01
                MNLI-m           20  accuracy 1.0000                  0.5514         30  1:01
                MNLI-mm          20  accuracy 0.9000                  0.6514
                QNLI             20  accuracy 0.8000                  0.5133         30  1:01
                RTE              20  accuracy 0.6000                  0.7133         30  1:01
                WNLI             20  accuracy 0.5000                  0.8133         30  1:01
                """)
    }

    @Test func averageSaysOfWhat() {
        let table = GlueTable(model: "/home/x/data/minilm", results: [.mrpc: result(("MRPC", labels(8)))])
        #expect(
            "\(table)" == """
                model   MNLI-(m/mm)  QQP  QNLI  SST-2  CoLA  STS-B  MRPC  RTE  average of 1
                minilm            -    -     -      -     -      -  88.9    -          88.9

                task  examples  metrics                       loss  best step  time
                MRPC        20  f1 0.8889, accuracy 0.9000  0.4133         30  1:01
                """)
    }
}
