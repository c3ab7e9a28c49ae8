import Pipelines
import Testing

@testable import Text
@testable import Training

/// Which classes a run trains: the model's, whose head is kept, or the data's.
@Suite struct TrainedLabelsTests {
    @Test(arguments: [
        // Placeholders and names give way to ids only when the ids are all there.
        (["0", "1"], ["LABEL_0", "LABEL_1"], ["0", "1"], true, 0),
        (["0", "1"], ["bad", "good"], ["bad", "good"], true, 1),
        (["0", "1"], ["a", "b", "c"], ["0", "1"], false, 0),
        (["bad", "good"], ["good", "bad"], ["good", "bad"], true, 0),
        (["bad"], ["good", "bad"], ["good", "bad"], true, 0),
        (["0", "1"], ["1", "0"], ["1", "0"], true, 0),
        (["bad", "good"], ["LABEL_0", "LABEL_1"], ["bad", "good"], false, 0),
        (["x", "y"], ["x", "x"], ["x", "y"], false, 0),
        (["0", "1"], [], ["0", "1"], false, 0),
    ])
    func classes(data: [String], model: [String], trained: [String], areModels: Bool, notes: Int) throws {
        let labels = try TrainedLabels(LabelMap(names: data), model: model, file: "train.tsv")
        #expect(labels.map.names == trained && labels.areModels == areModels && labels.notes.count == notes)
        #expect(data.allSatisfy { labels.map.id(of: $0) != nil })
    }

    @Test func oneLabelIsRefused() throws {
        #expect(throws: ModelError.self) {
            try TrainedLabels(LabelMap(names: ["only"]), model: ["a", "b"], file: "train.tsv")
        }
    }
}
