import Testing

@testable import Text

/// Labels of data that are the names of a model's classes, or their ids.
@Suite struct LabelMeetingTests {
    private static let plain = ["bad", "good"]
    private static let placeholders = ["LABEL_0", "LABEL_1"]

    @Test(
        arguments: [
            // By name, and where one label is a name, so are all.
            (["bad"], plain, nil, false),
            (["bad", "0"], plain, nil, false),
            // Ids of names, with a note; of placeholders, without.
            (["1", "0"], plain, ["0", "1"], true),
            (["LABEL_1"], plain, ["LABEL_0", "LABEL_1"], true),
            (["1"], placeholders, ["0", "1"], false),
            (["LABEL_1"], placeholders, nil, false),
            // Names that are numbers are no ids, whatever their order.
            (["0", "1"], ["1", "0"], nil, false),
            (["0"], ["1", "2"], nil, false),
            // Other classes.
            (["2"], plain, nil, false),
            (["0", "x"], plain, nil, false),
            ([], plain, nil, false),
        ] as [([String], [String], [String]?, Bool)])
    func meet(labels: [String], names: [String], spellings: [String]?, hasNote: Bool) {
        let meeting = LabelMeeting(of: labels, names: names)
        #expect(meeting.spellings == spellings)
        #expect((meeting.note != nil) == hasNote)
    }

    @Test func aPartOfTheIdsIsNotTheWhole() {
        #expect(LabelMeeting(of: ["0"], names: Self.placeholders, isWhole: true).spellings == nil)
        #expect(
            LabelMeeting(of: ["1", "0"], names: Self.placeholders, isWhole: true).spellings == ["0", "1"])
    }

    @Test func labelsAreCodePoints() throws {
        let composed = "caf\u{E9}"
        let decomposed = "cafe\u{301}"
        let map = try LabelMap(names: [composed, decomposed])
        #expect(map.id(of: composed) == 0 && map.id(of: decomposed) == 1)
    }
}
