import Encoders
import Foundation
import GraphCompiler
import Support
import Testing

@testable import Pipelines

/// Masks and candidate labels against Hugging Face's pipelines; `Fixtures/make_prompts.py` made the numbers.
@Suite struct PromptTests {
    private static func folder(_ name: String) -> URL {
        Bundle.module.bundleURL.appendingPathComponent("Fixtures/\(name)")
    }

    private static func expected(_ name: String) throws -> [JSONValue] {
        let data = try Data(contentsOf: folder(name).appendingPathComponent("expected.json"))
        let value = try JSONValue(parsing: data)
        return try #require(value.array)
    }

    private static func pipeline(_ name: String) throws -> EncoderPipeline {
        try EncoderPipeline(
            contentsOf: folder(name).path, compiler: Compiler(CompilerOptions(threads: 2, cache: .off)))
    }

    @Test func masksAreFilled() throws {
        let pipeline = try Self.pipeline("fill-mask")
        let expected = try Self.expected("fill-mask")
        let found = try pipeline.fillMask(expected.map { $0["text"]?.string ?? "" }, top: 3)
        for (masks, expected) in zip(found, expected) {
            let lists = try #require(expected["predictions"]?.array)
            let right = lists[0].array == nil ? [lists] : lists.compactMap(\.array)
            #expect(masks.count == right.count)
            for (found, right) in zip(masks.joined(), right.joined()) {
                #expect(Int(found.id) == right["token"]?.integer && found.token == right["token_str"]?.string)
                #expect(found.text == right["sequence"]?.string)
                #expect(abs(Double(found.score) - (right["score"]?.double ?? 0)) < 1e-5)
            }
        }
        #expect(throws: ModelError.self) { try pipeline.fillMask(["No mask."]) }
        #expect(throws: ModelError.self) { try pipeline.classify(["Text."]) }
    }

    @Test func candidateLabelsAreJudged() throws {
        let pipeline = try Self.pipeline("zero-shot")
        for item in try Self.expected("zero-shot") {
            let names = item["candidate_labels"]?.string?.split(separator: ", ").map(String.init) ?? []
            var candidates = CandidateLabels(names)
            if let template = item["options"]?["hypothesis_template"]?.string {
                candidates.template = template
            }
            candidates.allowsSeveral = item["options"]?["multi_label"]?.bool ?? false
            let results = try #require(item["results"]?.array)
            let found = try pipeline.classify(
                results.map { $0["sequence"]?.string ?? "" }, candidates: candidates)
            for (scores, result) in zip(found, results) {
                let labels = result["labels"]?.array?.compactMap(\.string) ?? []
                #expect(labels.count == names.count)
                for (label, right) in zip(labels, result["scores"]?.array ?? []) {
                    let index = try #require(names.firstIndex(of: label))
                    #expect(abs(Double(scores[index]) - (right.double ?? 0)) < 1e-5)
                }
            }
        }
        #expect(throws: ModelError.self) {
            try pipeline.classify(["x"], candidates: CandidateLabels(["a"], template: "{} or {}"))
        }
    }
}
