import Foundation
import TestSupport
import Testing

/// A vocabulary, a pre-training run, its plot and fine-tuning, all with the tool.
@Suite struct PretrainingTests {
    @Test func fromTextToAClassifier() throws {
        let scratch = try TemporaryDirectory()
        let documents = (0..<12).map { document in
            (0..<6).map { "The \(["cat", "dog", "ship"][document % 3]) number \($0) sleeps." }
                .joined(separator: "\n")
        }
        try scratch.write("text.txt", documents.joined(separator: "\n\n") + "\n")
        let vocabulary = try Tool.run(
            [
                "vocab", scratch.path("text.txt"), "--size", "60", "--output",
                scratch.path("vocabulary/vocab.txt"),
            ])
        #expect(vocabulary.status == 73 && vocabulary.error.contains("vocab.txt"))
        let made = try Tool.run(
            ["vocab", scratch.path("text.txt"), "--size", "60", "--output", scratch.path("vocabulary")])
        #expect(made.status == 0, "\(made.error)")
        #expect(try scratch.read("vocabulary/vocab.txt").hasPrefix("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"))

        try scratch.write(
            "model.json",
            """
            {"vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
             "intermediate_size": 32, "max_position_embeddings": 24, "norm_position": "post"}
            """)
        try scratch.write(
            "train.json",
            """
            {"task": "pretrain", "model": "model.json", "tokenizer": "vocabulary", "textFiles": ["text.txt"],
             "heldOutShare": 0.2, "outputDirectory": "run", "phases": [{"steps": 4, "length": 24, "batchSize": 4}],
             "evaluateEvery": 2, "logEvery": 1}
            """)
        let run = try Tool.run(["train", scratch.path("train.json")])
        #expect(run.status == 0, "\(run.error)")
        #expect(run.output.contains("fresh parameters, masked LM and next sentences"))
        #expect(run.output.contains("validation after step 4: masked_lm_loss "))

        let plot = try Tool.run(
            [
                "plot", scratch.path("run/log.csv"), "--column", "validation_masked_lm_loss", "--output",
                scratch.path("loss.svg"),
            ])
        #expect(plot.status == 0 && plot.outputLines.count == 19 && plot.output.contains("*"))
        #expect(try scratch.read("loss.svg").hasSuffix("</svg>\n"))
        let missing = try Tool.run(["plot", scratch.path("run/log.csv"), "--column", "nothing"])
        #expect(missing.status == 65 && missing.error.contains("its columns are epoch, loss"))

        try scratch.write("reviews.txt", "the cat sleeps\nthe ship sleeps\n")
        try scratch.write("reviews_labels.txt", "animal\nthing\n")
        try scratch.write(
            "tune.json",
            """
            {"model": "run", "trainFile": "reviews.txt", "validationFile": "", "testFile": "", "epochs": 1,
             "outputDirectory": "tuned"}
            """)
        let tuned = try Tool.run(["train", scratch.path("tune.json")])
        #expect(tuned.status == 0, "\(tuned.error)")
    }
}
