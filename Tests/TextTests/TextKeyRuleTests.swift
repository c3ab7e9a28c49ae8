import Foundation
import Support
import Testing
import Text

/// Texts of users are compared by code points: as keys they are `TextKey`s.
@Suite struct TextKeyRuleTests {
    /// Modules that read users' files.
    private static let modules = ["Support", "Text", "Encoders", "Pipelines", "Training"]

    /// Dictionaries and sets over `String` that are right, by file, with the reason.
    private static let allowed: [String: String] = [
        "Encoders/Layers/EncoderBuilder.swift": "names of graph values",
        "Encoders/Checkpoint/EncoderCheckpoint+Save.swift": "names of parameters of the graph",
        "Encoders/Checkpoint/EncoderCheckpoint.swift": "names of parameters of the graph",
        "Encoders/Config/EncoderActivation.swift": "spellings of activations",
        "Encoders/Config/EncoderChoices.swift": "spellings of activations",
        "Encoders/Config/ConfigFields.swift": "spellings of activations",
        "Encoders/Checkpoint/Files/SafetensorsFile.swift": "metadata, which is not looked up",
        "Encoders/Checkpoint/Files/SafetensorsHeader.swift": "metadata, which is not looked up",
        "Encoders/Checkpoint/Files/SafetensorsWriter.swift": "metadata, which is not looked up",
        "Training/Loop/TrainingBlueprint.swift": "names of parameters of the graph",
        "Training/Model/ModelGraphs.swift": "names of parameters of the graph",
        "Pipelines/Files/MergedModel.swift": "names of parameters of the graph",
        "Training/Distillation/InitialLayers.swift": "names of parameters of the graph",
        "Training/Model/ModelSource.swift": "names of parameters of the graph",
        "Training/Model/SentenceTraining.swift": "names of parameters of the graph",
        "Training/Distillation/Teacher.swift": "names of inputs of the graph",
        "Training/Checkpoint/TrainingCheckpoint.swift": "names that bertc gives its own directories",
    ]

    @Test func noDictionariesOverStrings() throws {
        let pattern = try Regex(
            #"\[String\s*:(?! (Int|TensorData|KernelUse)\])|Set<String>|Dictionary<String"#)
        var found: [String] = []
        for module in Self.modules {
            let root = Place.root + "/Sources/" + module
            let files = try #require(FileManager.default.enumerator(atPath: root))
            for case let file as String in files where file.hasSuffix(".swift") {
                let name = module + "/" + file
                let lines = try String(contentsOfFile: root + "/" + file, encoding: .utf8).split(
                    separator: "\n")
                for line in lines where Self.allowed[name] == nil && !line.contains("//") {
                    if line.firstMatch(of: pattern) != nil { found.append("\(name): \(line)") }
                }
            }
        }
        #expect(
            found.isEmpty, "use TextKey, or name the file with the reason: \(found.joined(separator: "\n"))")
    }

    @Test func labelsDifferByCodePoints() throws {
        let spellings = ["\u{E9}", "e\u{301}", "K", "\u{212A}"]
        let map = try LabelMap(
            labelsOf: TextDataset(spellings.map { TextExample(text: "x", label: $0) }, name: "x"))
        #expect(map.count == 4)
        #expect(Set(spellings.compactMap(map.id)) == [0, 1, 2, 3])
        let saved = try LabelMap(names: spellings)
        #expect(spellings.map(saved.id) == [0, 1, 2, 3])
    }
}
