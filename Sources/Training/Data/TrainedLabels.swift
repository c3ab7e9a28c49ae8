import Pipelines
import Support
import Text

/// The classes that a run trains, and whether they are those of the model it starts from, whose head is trained further
/// then.
struct TrainedLabels {
    let map: LabelMap
    let areModels: Bool
    let notes: [String]

    /// The model's classes, with their order, when all labels of the data are among them, or are just their ids; else the
    /// data's, of which one label for each text needs at least two.
    ///
    /// - Parameters:
    ///   - own: the data's.
    ///   - model: the names of the model's.
    ///   - least: labels that there must be.
    init(_ own: LabelMap, model names: [String], file: String, least: Int = 2) throws {
        let known = Set(names.lazy.map { TextKey($0) })
        let meeting = LabelMeeting(of: own.names, names: names, isWhole: true)
        if !known.isEmpty, known.count == names.count, own.names.allSatisfy({ known.contains(TextKey($0)) }) {
            (map, areModels, notes) = (try LabelMap(names: names), true, [])
        } else if names.count > 1, let spellings = meeting.spellings {
            // Placeholders give way to what the data call the classes.
            let kept = LabelMeeting.arePlaceholders(names) ? spellings : names
            map = try LabelMap(names: kept, spelt: spellings)
            (areModels, notes) = (true, meeting.note.map { [$0] } ?? [])
        } else {
            guard own.count >= least else {
                throw ModelError(
                    .invalidSetting,
                    "all examples have the label \"\(own.names[0])\"; expected at least two labels", at: file)
            }
            (map, areModels, notes) = (own, false, [])
        }
    }
}
