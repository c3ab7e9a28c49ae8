import Foundation
import Support
import TestSupport
import Testing

@testable import Encoders

/// The families against Hugging Face Transformers: hidden states, each head's logits and loss, all gradients, and the losses of
/// 20 steps of AdamW, with the weights after them for models from elsewhere.
/// `Fixtures/make_families.py` made the numbers; BERTC_FAMILIES names a directory with more of them, and BERTC_SAVED_FAMILIES
/// one to save the models to, for `--check` of the script.
@Suite struct FamilyTests {
    static let directories: [URL] = {
        let folders =
            [Fixtures.folder.appendingPathComponent("families")]
            + [ProcessInfo.processInfo.environment["BERTC_FAMILIES"]].compactMap {
                $0.map { URL(fileURLWithPath: $0) }
            }
        return folders.flatMap {
            (try? FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)) ?? []
        }.sorted { $0.path < $1.path }
    }()

    @Test func fixturesAreThere() { #expect(Self.directories.count >= 44) }

    @Test(arguments: directories)
    func equalsTransformers(_ directory: URL) throws {
        // One graph is compiled for a fixture of the repository, and all of them, padded every other time, for other ones.
        let isOwn = directory.path.contains("/families/")
        let fixture = try FamilyFixture(
            directory, isPadded: !isOwn && directory.path.utf8.reduce(0) { $0 + Int($1) } % 2 == 0)
        var differences: [String: Float] = [:]
        if !isOwn || fixture.head == .encoder { differences = try fixture.stateDifferences() }
        if fixture.head != .encoder {
            differences.merge(try fixture.headDifferences()) { $1 }
            if !isOwn { differences.merge(try fixture.trainingDifferences()) { $1 } }
            #expect(differences.count >= 15)
        }
        let largest = try #require(differences.max { $0.value < $1.value })
        #expect(largest.value < 1e-4, "\(largest.key)")
        // The bound of outputs is tighter.
        let outputs = differences.filter { !$0.key.contains(".") && $0.key != "losses" }
        #expect(outputs.allSatisfy { $0.value < 1e-5 }, "\(outputs)")
        if !isOwn {
            for kind in ["grad.", "trained."] {
                let worst = differences.filter { $0.key.hasPrefix(kind) }.max { $0.value < $1.value }
                print(
                    "largest difference \(directory.lastPathComponent) \(worst?.value ?? 0) \(worst?.key ?? kind)"
                )
            }
        }
        // The files hold what the model needs, and no more.
        let report = try fixture.checkpoint.report(for: fixture.parameters)
        let unused = report.unexpected.filter { fixture.head != .encoder || !$0.hasPrefix("pooler.") }
        #expect(report.missing.isEmpty && unused.isEmpty)
    }

    /// A checkpoint is saved with the names that it was read with.
    @Test(arguments: directories)
    func savedNamesAreTheFamilys(_ directory: URL) throws {
        let fixture = try FamilyFixture(directory)
        let (checkpoint, specs) = (fixture.checkpoint, try fixture.parameters)
        let temporary = try TemporaryDirectory()
        let place =
            directory.path.contains("/families/")
            ? nil
            : ProcessInfo.processInfo.environment["BERTC_SAVED_FAMILIES"].map { URL(fileURLWithPath: $0) }
        let target = (place ?? temporary.url).appendingPathComponent(directory.lastPathComponent)
        try EncoderCheckpoint.save(
            to: target, config: checkpoint.config, architecture: #require(checkpoint.config.architecture),
            parameters: specs, values: checkpoint.load(specs).values)
        let (old, new) = try (weights(directory), weights(target))
        // A plain encoder is written without its pooler.
        let entries = old.entries.filter {
            fixture.head != .encoder || !$0.name.hasPrefix("pooler.")
        }
        #expect(new.entries.map(\.name).sorted() == entries.map(\.name).sorted())
        // What nothing reads is written anew.
        let unread = try Set(checkpoint.report(for: specs).redundant)
        for entry in entries where !unread.contains(entry.name) {
            #expect(try new.floats(named: entry.name) == old.floats(named: entry.name))
        }
        #expect(try EncoderConfig(contentsOf: target) == checkpoint.config)
    }

    @Test(arguments: [
        (
            #"{"model_type": "distilbert", "attention_mask": "star"}"#,
            "'attention_mask' is not for the family 'distilbert'"
        ),
        (
            #"{"model_type": "electra", "norm_position": "pre"}"#,
            "'norm_position' is not for the family 'electra'"
        ),
        (
            #"{"model_type": "electra", "share_layers": "all"}"#,
            "'share_layers' is not for the family 'electra'"
        ),
        (#"{"model_type": "distilbert", "embedding_size": 3}"#, "'embedding_size' is not for the family"),
        (
            #"{"model_type": "distilbert", "dim": 50, "n_heads": 4}"#,
            "'dim' is 50, which n_heads (4) does not divide"
        ),
        (#"{"model_type": "distilbert", "n_layers": 0}"#, "'n_layers' is 0"),
        (
            #"{"model_type": "longformer"}"#,
            "expected 'bert', 'roberta', 'xlm-roberta', 'camembert', 'distilbert'"
        ),
        (#"{"model_type": "roberta", "pad_token_id": null}"#, "'pad_token_id' is null"),
        (#"{"model_type": "roberta", "max_position_embeddings": 2}"#, "'max_position_embeddings' is 2"),
        (#"{"model_type": "roberta", "rope_theta": 10000}"#, "'rope_theta' is not for the family 'roberta'"),
        (
            #"{"model_type": "bert", "layer_types": ["full_attention"]}"#,
            "'layer_types' is not for the family"
        ),
        (
            #"{"model_type": "albert", "num_hidden_groups": 13}"#,
            "'num_hidden_groups' is 13, expected 1 to 12"
        ),
        (#"{"model_type": "albert", "inner_group_num": 0.5}"#, "'inner_group_num' is 0.5, expected a whole"),
        (
            #"{"model_type": "mpnet", "relative_attention_num_buckets": 16}"#,
            "'relative_attention_num_buckets' is 16, expected 32"
        ),
        (
            #"{"model_type": "modernbert", "rope_parameters": {"full_attention": {"rope_type": "yarn"}}}"#,
            "'rope_parameters' is"
        ),
        (
            #"{"model_type": "modernbert", "layer_types": ["full_attention"]}"#,
            "'layer_types' has 1 layers, expected 22"
        ),
        (#"{"hidden_act": null}"#, "'hidden_act' is null, expected a value"),
        (#"{"model_type": "distilbert", "dim": null}"#, "'dim' is null"),
        (#"{"model_type": "albert", "classifier_dropout_prob": null}"#, "'classifier_dropout_prob' is null"),
        (#"{"model_type": "electra", "embedding_size": null}"#, "'embedding_size' is null"),
        (#"{"model_type": "modernbert", "layer_types": []}"#, "'layer_types' has 0 layers, expected 22"),
        (#"{"model_type": "modernbert", "norm_bias": null}"#, "'norm_bias' is null, expected true or false"),
        (
            #"{"model_type": "deberta-v2", "conv_kernel_size": 3}"#,
            "'conv_kernel_size' is 3, expected 0: the convolution"
        ),
        (#"{"model_type": "deberta-v2", "pos_att_type": ["p2p"]}"#, "expected a list of 'c2p' and 'p2c'"),
        (#"{"model_type": "deberta-v2", "embedding_size": 128}"#, "expected 1536 (hidden_size)"),
        (
            #"{"model_type": "deberta-v2", "relative_attention": true, "position_buckets": 1024}"#,
            "'max_relative_positions' makes buckets end at the distance 512, expected at least 514"
        ),
        (
            #"{"model_type": "deberta-v2", "relative_attention": true, "position_buckets": 1}"#,
            "'position_buckets' is 1, expected at least 2"
        ),
        (
            #"{"model_type": "deberta-v2", "relative_attention": true, "max_position_embeddings": 10000000}"#,
            "'max_position_embeddings' is 10000000, expected at most 65536"
        ),
        (
            #"{"model_type": "eurobert", "num_key_value_heads": 5}"#,
            "'num_key_value_heads' is 5, which does not divide num_attention_heads (12)"
        ),
        (#"{"model_type": "eurobert", "head_dim": 32}"#, "'head_dim' is 32, expected"),
        (
            #"{"model_type": "eurobert", "rope_scaling": {"rope_type": "llama3", "factor": 8}}"#,
            "'rope_scaling' is"
        ),
        (#"{"model_type": "eurobert", "rope_parameters": {"rope_type": "linear"}}"#, "with a factor"),
        (#"{"model_type": "gte", "rope_scaling": {"type": "ntk", "factor": 8}}"#, "'default' or 'linear'"),
        (#"{"model_type": "new", "rope_scaling": {"type": "ntk", "factor": 8, "mixed_b": 1}}"#, "or 'ntk'"),
        (
            #"{"model_type": "new", "logn_attention_scale": true}"#,
            "'logn_attention_scale' is true, expected false: scores"
        ),
        (#"{"model_type": "new", "position_embedding_type": "absolute"}"#, "expected \"rope\": tables"),
        (#"{"model_type": "bert", "type_vocab_size": 0}"#, "'type_vocab_size' is 0, expected 1"),
        (#"{"model_type": "neobert", "ngpt": true}"#, "'ngpt' is true, expected false"),
        (
            #"{"model_type": "neobert", "hidden_act": "gelu"}"#,
            "'hidden_act' is \"gelu\", expected \"SwiGLU\""
        ),
        (#"{"model_type": "modernbert", "hidden_size": 36}"#, "makes heads of 3 elements"),
        (#"{"model_type": "modernbert", "classifier_pooling": "max"}"#, "expected one of cls, mean"),
    ])
    func whatAFamilyDoesNotHaveIsRefused(json: String, problem: String) {
        let error = #expect(throws: ConfigError.self) { try EncoderConfig(json: Data(json.utf8)) }
        #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: [
        ("distilbert", EncoderHead.pretraining, "no next-sentence head"),
        ("distilbert", .discriminator, "no discriminator"),
        ("electra", .pretraining, "no next-sentence head"),
        ("bert", .discriminator, "no discriminator"),
    ])
    func headsThatAFamilyDoesNotHaveAreRefused(family: String, head: EncoderHead, problem: String) {
        var config = EncoderConfig()
        (config.modelType, config.normPosition) = (family, .post)
        let error = #expect(throws: ConfigError.self) {
            try EncoderGraph(config: config, head: head, isTraining: true).build()
        }
        #expect(error?.description.contains(problem) == true)
    }

    /// Layers of a group count once, gated parts have three matrices, and rotary positions no table.
    @Test(arguments: [
        (#"{"model_type": "albert"}"#, 201e6...206e6), (#"{"model_type": "modernbert"}"#, 148e6...150e6),
        (#"{"model_type": "roberta"}"#, 123e6...125e6), (#"{"model_type": "neobert"}"#, 221e6...223e6),
    ])
    func parametersAreEstimated(json: String, range: ClosedRange<Double>) throws {
        #expect(range.contains(try EncoderConfig(json: Data(json.utf8)).parameterEstimate))
    }

    /// The older form of rotary positions counts before the newer one, as in Transformers; NTK scaling multiplies the base and
    /// divides the angles.
    @Test(arguments: [
        (#"{"model_type": "gte"}"#, EncoderSpec.Rotary(base: 160_000)),
        (
            #"{"model_type": "eurobert", "rope_theta": 250000, "rope_scaling": null}"#,
            EncoderSpec.Rotary(base: 250_000)
        ),
        (
            #"{"model_type": "gte", "rope_parameters": {"rope_theta": 5}, "rope_scaling": {"type": "linear", "factor": 2}}"#,
            EncoderSpec.Rotary(base: 160_000, factor: 2)
        ),
        (
            #"{"model_type": "new", "rope_theta": 20000, "rope_scaling": {"type": "ntk", "factor": 8}}"#,
            EncoderSpec.Rotary(base: 160_000, factor: pow(8, 2.0 / 64))
        ),
        (
            #"{"model_type": "new", "rope_theta": 20000, "rope_scaling": {"type": "ntk", "factor": 1}}"#,
            EncoderSpec.Rotary(base: 20_000)
        ),
    ])
    func rotaryPositionsAreRead(json: String, rotary: EncoderSpec.Rotary) throws {
        let config = try EncoderConfig(json: Data(json.utf8))
        #expect(config.family.spec(of: config).layers[0].attention.rotary == rotary)
    }

    /// What Transformers reads as if it was not there.
    @Test(arguments: [
        #"{"classifier_dropout": null, "pad_token_id": null, "id2label": null, "problem_type": null}"#,
        #"{"model_type": "modernbert", "layer_types": null, "rope_parameters": {}}"#,
        #"{"model_type": "eurobert", "head_dim": null, "num_key_value_heads": null, "rope_parameters": null}"#,
        #"{"model_type": "gte", "rope_scaling": {}, "classifier_dropout": null}"#,
    ])
    func nullsThatMeanNothing(json: String) throws {
        let config = try EncoderConfig(json: Data(json.utf8))
        #expect(config.warnings.isEmpty && config.layers == config.layerCount)
    }

    /// `nomic-ai/nomic-embed-text-v1.5` as it was before Transformers had the family; saved, both have what they need.
    @Test func nomicBERTsOwnFormIsRead() throws {
        let json = """
            {"activation_function": "swiglu", "architectures": ["NomicBertForPreTraining"], "attn_pdrop": 0.0, "causal": false,
             "embd_pdrop": 0.0, "layer_norm_epsilon": 1e-12, "max_trained_positions": 2048, "mlp_fc1_bias": false,
             "mlp_fc2_bias": false, "model_type": "nomic_bert", "n_embd": 24, "n_head": 2, "n_inner": 40, "n_layer": 3,
             "n_positions": 8192, "parallel_block": false, "prenorm": false, "qkv_proj_bias": false, "resid_pdrop": 0.0,
             "rotary_emb_base": 500, "rotary_emb_fraction": 1.0, "rotary_emb_interleaved": false,
             "rotary_emb_scale_base": null, "rotary_scaling_factor": null, "type_vocab_size": 2,
             "use_rms_norm": false, "vocab_size": 96}
            """
        let config = try EncoderConfig(json: Data(json.utf8))
        #expect((config.hiddenSize, config.layers, config.heads, config.maxPositions) == (24, 3, 2, 8192))
        // Widths are multiples of 256.
        #expect(config.feedForwardSize == 256 && config.activation == .silu && config.warnings.isEmpty)
        #expect(config.architecture == .maskedLanguageModel)
        #expect(config.family.spec(of: config).layers[0].attention.rotary == .init(base: 500))
        let map = config.family.checkpoint(of: config)
        #expect(
            map.canonical("bert.encoder.layers.1.mlp.fc12.weight").map(\.name)
                == ["encoder.layer.1.intermediate.dense.weight"])
        let saved = String(decoding: try config.json(), as: UTF8.self)
        for text in [#""n_inner": 40"#, #""intermediate_size": 256"#, #""rope_theta": 500"#] {
            #expect(saved.contains(text), "\(text)")
        }
        #expect(try EncoderConfig(json: Data(saved.utf8)) == config)
        for (old, new, problem) in [
            (#""prenorm": false"#, #""prenorm": true"#, "'prenorm' is true, expected false: norms before"),
            (#""qkv_proj_bias": false, "#, "", "'qkv_proj_bias' is true, expected false: biases"),
            (#""rotary_emb_base": 500, "#, "", "'rotary_emb_base' is null, expected a number"),
            ("swiglu", "gelu", "without gates are not supported"),
            (
                #""rotary_scaling_factor": null"#, #""rotary_scaling_factor": 2"#,
                "'rotary_scaling_factor' is 2"
            ),
        ] {
            let error = #expect(throws: ConfigError.self) {
                try EncoderConfig(json: Data(json.replacing(old, with: new).utf8))
            }
            #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
        }
    }

    @Test func keysHaveTheFamilysNames() throws {
        let json = #"{"model_type": "distilbert", "hidden_size": 24, "n_heads": 2, "type_vocab_size": 3}"#
        let config = try EncoderConfig(json: Data(json.utf8))
        #expect(config.hiddenSize == 24 && config.heads == 2 && config.layers == 6)
        #expect(
            config.warnings == ["'type_vocab_size' means nothing in the family 'distilbert' and is ignored"])
        let saved = String(decoding: try config.json(), as: UTF8.self)
        for key in [
            "dim", "n_heads", "n_layers", "hidden_dim", "dropout", "seq_classif_dropout", "type_vocab_size",
        ] {
            #expect(saved.contains("\"\(key)\""))
        }
        #expect(!saved.contains("norm_position") && !saved.contains("layer_norm_eps"))
        let graph = try EncoderGraph(config: config, head: .encoder, isTraining: false).build().graph
        #expect(!graph.nodes.contains { "\($0.op)".contains("token_type_ids") })
    }

    private func weights(_ directory: URL) throws -> SafetensorsFile {
        try SafetensorsFile(directory.appendingPathComponent("model.safetensors"))
    }
}
