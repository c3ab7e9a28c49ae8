import Foundation
import Support
import TestSupport
import Testing

@testable import Encoders

/// Low-rank adapters against PEFT (`Fixtures/make_adapters.py`), in each family and for modules that hold several layers or parts
/// of one. BERTC_SAVED_ADAPTERS names a directory to save them to, for `--check` of the script.
@Suite struct AdapterTests {
    private static let folder = Fixtures.folder.appendingPathComponent("adapters")
    static let families = [
        "albert", "bert", "deberta-v2", "distilbert", "electra", "eurobert", "gte", "modernbert", "mpnet",
        "nomic_bert", "roberta",
    ]

    private static func base(_ family: String) -> URL {
        Fixtures.folder.appendingPathComponent(family == "bert" ? "tiny" : "families/\(family)-sequence")
    }

    @Test(arguments: families)
    func equalsPEFT(_ family: String) throws {
        let directory = Self.folder.appendingPathComponent(family)
        let fixture = try FamilyFixture(Self.base(family), adapter: directory, isMerged: false)
        let differences = try fixture.adapterDifferences(
            gradients: directory.appendingPathComponent("gradients"))
        #expect(differences.count >= 6)
        #expect(differences.allSatisfy { $0.value < 1e-5 }, "\(differences)")
        let report = try fixture.checkpoint.report(for: fixture.trained.build().parameters)
        #expect(report.missing.isEmpty && !report.unexpected.contains { $0.contains("lora") })
    }

    @Test(arguments: families)
    func isTheSameWhenMerged(_ family: String) throws {
        let directory = Self.folder.appendingPathComponent(family)
        let fixture = try FamilyFixture(Self.base(family), adapter: directory, isMerged: true)
        let differences = try fixture.adapterDifferences(
            gradients: directory.appendingPathComponent("gradients"))
        #expect(differences.count == 2 && differences.allSatisfy { $0.value < 2e-6 }, "\(differences)")
    }

    /// What was read is written with the same names and values.
    @Test(arguments: families)
    func isSavedAsPEFTHasIt(_ family: String) throws {
        let directory = Self.folder.appendingPathComponent(family)
        let fixture = try FamilyFixture(Self.base(family), adapter: directory, isMerged: false)
        let (graph, scratch) = (fixture.trained, try TemporaryDirectory())
        let plan = try #require(graph.adapterPlan)
        let place = ProcessInfo.processInfo.environment["BERTC_SAVED_ADAPTERS"].map {
            URL(fileURLWithPath: $0)
        }
        let target = (place ?? scratch.url).appendingPathComponent(family)
        try AdapterCheckpoint.save(
            to: target, plan, config: fixture.config, base: Self.base(family).path,
            parameters: graph.build().parameters.filter { $0.isAdapter || plan.saves($0.name) }
        ) { spec, sink in
            try fixture.checkpoint.floats(of: spec.name).withUnsafeBufferPointer { try sink($0) }
        }
        let (old, new) = try (file(directory), file(target))
        #expect(new.entries.map(\.name).sorted() == old.entries.map(\.name).sorted())
        for entry in old.entries {
            #expect(try new.floats(named: entry.name) == old.floats(named: entry.name), "\(entry.name)")
        }
    }

    private func file(_ directory: URL) throws -> SafetensorsFile {
        try SafetensorsFile(directory.appendingPathComponent(AdapterCheckpoint.weightsFile))
    }

    /// Which modules a configuration stands for, as PEFT counts them.
    @Test(arguments: [
        ([String](), ["query", "value"]),
        (["all-linear"], ["dense", "dense", "dense", "dense", "key", "query", "value"]),
        (["bert.encoder.layer.0.*"], ["dense", "dense", "dense", "key", "query", "value"]),
        (["attention.output.dense"], ["dense"]),
    ])
    func targetsAreModules(_ targets: [String], _ expected: [String]) throws {
        var config = EncoderConfig()
        (config.vocabularySize, config.hiddenSize, config.layers, config.heads) = (20, 8, 1, 2)
        config.normPosition = .post
        var lora = LoRAConfig()
        lora.targetModules = targets
        let built = try EncoderGraph(
            config: config, head: .classification(labels: 2), isTraining: false, adapter: lora
        ).build()
        let names = built.parameters.filter { $0.role == .adapterInput }.map { spec in
            String(spec.name.dropLast(".lora_A.weight".count).split(separator: ".").last ?? "")
        }
        #expect(names.sorted() == expected)
    }

    @Test(arguments: [
        ("queries", "no linear layer matches"), ("classifier", "leaves no layer to adapt"),
    ])
    func refusesTargetsThatAreNone(_ target: String, _ problem: String) throws {
        var lora = LoRAConfig()
        lora.targetModules = [target]
        var config = EncoderConfig()
        config.normPosition = .post
        let graph = EncoderGraph(
            config: config, head: .classification(labels: 2), isTraining: false, adapter: lora)
        #expect(message { _ = try graph.build() }?.contains(problem) == true)
    }

    @Test(arguments: [
        (#"{"peft_type": "IA3"}"#, "peft_type"), (#"{"peft_type": "LORA", "use_dora": true}"#, "use_dora"),
        (#"{"peft_type": "LORA", "bias": "all"}"#, "bias"), (#"{"peft_type": "LORA", "r": 0}"#, "'r'"),
        (#"{"peft_type": "LORA", "init_lora_weights": "pissa"}"#, "init_lora_weights"),
        (#"{"peft_type": "LORA", "use_rslora": "true"}"#, "use_rslora"),
    ])
    func refusesOtherAdapters(_ text: String, _ field: String) throws {
        let scratch = try TemporaryDirectory()
        try scratch.write("adapter_config.json", text)
        let url = scratch.url.appendingPathComponent("adapter_config.json")
        #expect(message { _ = try LoRAConfig(contentsOf: url) }?.contains(field) == true)
    }
}
