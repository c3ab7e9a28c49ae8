import Foundation
import TestSupport
import Testing

/// A token classifier from training to predictions, with the tool.
@Suite struct TokenTests {
    private static let train = """
        the O
        film B-WORK
        is O
        fine O

        a O
        bad O
        plot B-WORK
        . O

        """

    @Test func fromWordsToLabels() throws {
        let scratch = try TemporaryDirectory()
        try TinyTraining.write(
            to: scratch,
            more: [
                "task": "\"token_classification\"", "trainFile": "\"train.conll\"",
                "validationFile": "\"train.conll\"", "testFile": "\"\"", "epochs": "60",
                "learningRate": "0.01",
            ])
        try scratch.write("train.conll", Self.train)
        let run = try Tool.run(["train", scratch.path("train.json")])
        #expect(run.status == 0, "\(run.error)")
        #expect(run.output.contains("fresh parameters, 2 labels of words (B-WORK, O)"))
        #expect(
            run.output.contains("validation after step 60: f1 1.0000, precision 1.0000, recall 1.0000, "))

        let model = scratch.path("output")
        let evaluation = try Tool.run(["evaluate", model, scratch.path("train.conll")])
        #expect(evaluation.status == 0, "\(evaluation.error)")
        #expect(evaluation.outputLines.first == "examples  8")
        #expect(evaluation.output.contains("f1        1.0000  of entities\n"))
        #expect(evaluation.output.contains("recall    1.0000\n"))

        let words = try Tool.run(["predict", model, "--text", "the film is fine", "--text", "a  bad plot ."])
        #expect(
            words.output
                == "the\tO\nfilm\tB-WORK\nis\tO\nfine\tO\n\na\tO\nbad\tO\nplot\tB-WORK\n.\tO\n\n")
        let json = try Tool.run(["predict", model, "--text", "a film", "--json"])
        #expect(
            json.output.hasPrefix(
                #"{"text": "a film", "words": [{"word": "a", "label": "O", "probability": 0."#),
            "\(json.output)")

        for (arguments, text) in [
            (["predict", model, "--text", "a", "--top", "1"], "labels the words of single texts"),
            (["predict", model, "--text", "a", "--pair", "b"], "labels the words of single texts"),
            (["evaluate", model, "train.tsv", "--pair-column", "1"], "whose data are words with labels"),
        ] {
            let result = try Tool.run(arguments)
            #expect(result.status == 64 && result.error.contains("is a token classifier"))
            #expect(result.error.contains(text), "\(result.error)")
        }
    }

    @Test func theHeadIsCompiled() throws {
        let scratch = try TemporaryDirectory()
        try TinyModel.write(.tokenClassification(labels: 3), labels: ["B", "I", "O"], to: scratch)
        for more in [[], ["--training"], ["--training", "--task", "token-classification", "--labels", "9"]] {
            let result = try Tool.run(["compile", scratch.path("model")] + more)
            #expect(result.status == 0, "\(result.error)")
        }
    }
}
