import Encoders
import Foundation
import GraphCompiler
import TestSupport
import Testing

@Suite struct EncoderConfigTests {
    @Test func absentFieldsHaveTheDefaultsOfBertBase() throws {
        let config = try EncoderConfig(json: Data("{}".utf8))
        #expect(config == EncoderConfig())
        #expect(
            [config.vocabularySize, config.hiddenSize, config.layers, config.heads] == [30522, 768, 12, 12]
                as [Int])
        #expect([config.feedForwardSize, config.maxPositions, config.tokenTypes] == [3072, 512, 2] as [Int])
        #expect(config.normPosition == .pre && config.pooling == .mean && config.activation == .gelu)
        #expect(config.headSize == 64 && config.effectiveClassifierDropout == 0.1 && config.labelCount == 2)
    }

    @Test(arguments: [
        (#"{"model_type": "bert"}"#, NormPosition.post),
        (#"{"architectures": ["BertModel"]}"#, .post),
        (#"{"model_type": "bert", "norm_position": "pre"}"#, .pre),
        (#"{"hidden_size": 48}"#, .pre),
        (#"{"norm_position": "post"}"#, .post),
    ])
    func normPositionFollowsTheKindOfFile(json: String, expected: NormPosition) throws {
        #expect(try EncoderConfig(json: Data(json.utf8)).normPosition == expected)
    }

    @Test(arguments: [
        ("gelu", EncoderActivation.gelu), ("gelu_new", .geluNew), ("relu", .relu), ("silu", .silu),
        ("swish", .silu),
    ])
    func activations(name: String, expected: EncoderActivation) throws {
        #expect(try EncoderConfig(json: Data(#"{"hidden_act": "\#(name)"}"#.utf8)).activation == expected)
    }

    @Test(arguments: [
        #"{"id2label": {"0": "no", "1": "yes", "2": "maybe"}}"#,
        #"{"label2id": {"maybe": 2, "no": 0, "yes": 1}}"#,
        #"{"id2label": {"0": "no", "1": "yes", "2": "maybe"}, "num_labels": 3}"#,
    ])
    func labelNamesInOrder(json: String) throws {
        #expect(try EncoderConfig(json: Data(json.utf8)).labels == ["no", "yes", "maybe"])
    }

    @Test func labelCountAloneNamesLabelsAsHuggingFaceDoes() throws {
        #expect(try EncoderConfig(json: Data(#"{"num_labels": 2}"#.utf8)).labels == ["LABEL_0", "LABEL_1"])
        let head = #"{"architectures": ["BertForSequenceClassification"]}"#
        #expect(try EncoderConfig(json: Data(head.utf8)).labels == ["LABEL_0", "LABEL_1"])
        #expect(try EncoderConfig(json: Data(#"{"model_type": "bert"}"#.utf8)).labels.isEmpty)
    }

    @Test(arguments: [
        (#"{"hidden_size": 50, "num_attention_heads": 4}"#, ["'hidden_size' is 50", "(4) does not divide"]),
        (#"{"num_hidden_layers": 0}"#, ["'num_hidden_layers' is 0, expected 1 to"]),
        (#"{"vocab_size": -3}"#, ["'vocab_size' is -3"]),
        (#"{"num_hidden_layers": 100000}"#, ["'num_hidden_layers' is 100000", "at most 1000"]),
        (
            #"{"vocab_size": 2147483647, "hidden_size": 2147483640}"#,
            ["'hidden_size' and the other sizes", "at most 100 billion"]
        ),
        (#"{"hidden_size": 9999999999}"#, ["'hidden_size' is 9999999999"]),
        (#"{"hidden_size": "768"}"#, ["'hidden_size' is a string, expected an integer"]),
        (#"{"hidden_size": 76.5}"#, ["'hidden_size' is a number, expected an integer"]),
        (#"{"hidden_dropout_prob": true}"#, ["'hidden_dropout_prob' is a boolean, expected a number"]),
        (
            #"{"hidden_dropout_prob": 1.0}"#,
            ["'hidden_dropout_prob' is 1.0, expected at least 0 and less than 1"]
        ),
        (#"{"classifier_dropout": -0.1}"#, ["'classifier_dropout' is -0.1"]),
        (#"{"layer_norm_eps": 0}"#, ["'layer_norm_eps' is 0.0"]),
        (#"{"hidden_act": "gleu"}"#, ["'hidden_act' is 'gleu'", "did you mean 'gelu'?"]),
        (#"{"hidden_act": "gelu-new"}"#, ["did you mean 'gelu_new'?"]),
        (#"{"hidden_act": 3}"#, ["'hidden_act' is a number, expected a string"]),
        (#"{"norm_position": "before"}"#, ["'norm_position' is 'before', expected one of pre, post"]),
        (#"{"pooling": "sum"}"#, ["'pooling' is 'sum', expected one of cls, max, mean"]),
        (#"{"tie_word_embeddings": 1}"#, ["'tie_word_embeddings' is a number, expected true or false"]),
        (#"{"pad_token_id": 30522}"#, ["'pad_token_id' is 30522, expected 0 to 30521"]),
        (#"{"architectures": "BertModel"}"#, ["'architectures' is a string, expected an array of strings"]),
        (#"{"architectures": [1]}"#, ["'architectures' holds a number"]),
        (#"{"model_type": "deberta"}"#, ["'model_type' is 'deberta', expected 'bert'"]),
        (#"{"id2label": {"a": 0, "b": 1}}"#, ["'id2label' has the key \"a\"", "label2id"]),
        (#"{"id2label": {"0": null}}"#, ["'id2label' has null for \"0\""]),
        (#"{"label2id": {"a": 0, "b": 0}}"#, ["'label2id'", "expected each of 0 to 1 once"]),
        (#"{"num_labels": 0}"#, ["'num_labels' is 0"]),
        (#"{"position_embedding_type": "relative_key"}"#, ["'position_embedding_type'", "absolute"]),
        (#"{"is_decoder": true}"#, ["'is_decoder'"]),
        (#"{"pruned_heads": {"0": [1]}}"#, ["'pruned_heads'"]),
        (#"{"quantization_config": {"bits": 8}}"#, ["'quantization_config'"]),
        (#"{"hidden_size": 4, "hidden_size": 8}"#, ["line 1", "stands twice"]),
        (#"{"hidden_size": 4,}"#, ["line 1"]),
        (#"{"problem_type": "ranking"}"#, ["'problem_type' is 'ranking'"]),
        (#"[1]"#, ["holds an array, expected a JSON object"]),
        (#"{"hidden_size": 7"#, ["not valid JSON"]),
        ("", ["not valid JSON"]),
    ])
    func badFilesAreRefusedByField(json: String, parts: [String]) throws {
        let text = try #require(
            message { _ = try EncoderConfig(json: Data(json.utf8), file: "m/model.json") })
        #expect(text.hasPrefix("m/model.json: ") && !text.contains("\n"))
        for part in parts { #expect(text.contains(part), "\(text)") }
    }

    /// The label maps that Transformers loads, with its names and what there is to know.
    @Test(arguments: [
        (#""id2label": {"0": "bad", "1": "good"}, "label2id": {"bad": 0, "good": 1}"#, ["bad", "good"], ""),
        (
            #""id2label": {"1": "good", "0": "bad"}, "label2id": {"bad": "0", "good": "1"}"#,
            ["bad", "good"], ""
        ),
        (#""id2label": {"0": "bad", "1": "good"}, "label2id": {}"#, ["bad", "good"], ""),
        (
            #""id2label": {"0": "bad", "1": "good"}, "label2id": {"LABEL_0": 0, "LABEL_1": 1}"#,
            ["bad", "good"],
            "label2id is not the inverse"
        ),
        (#""id2label": {"0": "a", "1": "b"}, "label2id": {"a": 1, "b": 0}"#, ["a", "b"], "label2id is not"),
        (#""id2label": {"0": 0, "1": 1}, "label2id": {"0": 0, "1": 1}"#, ["0", "1"], ""),
        (#""id2label": {"0": "1", "1": "0"}"#, ["1", "0"], ""),
        (#""id2label": {"0": "x", "1": "x"}, "label2id": {"x": 1}"#, ["x", "x"], "id2label gives several"),
        (
            #""id2label": {"0": "a", "2": "b"}"#, ["a", "LABEL_1"],
            "id2label has 2 names, one of them for id 2"
        ),
        (#""id2label": {"0": "a"}, "num_labels": 2"#, ["a"], "num_labels is 2, but 1 labels"),
        (#""label2id": {"b": 1, "a": "0"}"#, ["a", "b"], ""),
        (#""num_labels": 3"#, ["LABEL_0", "LABEL_1", "LABEL_2"], ""),
    ])
    func labelMapsAreReadAsTransformersDoes(json: String, names: [String], remark: String) throws {
        let config = try EncoderConfig(json: Data("{\(json)}".utf8))
        #expect(config.labels == names)
        #expect(config.warnings.count == (remark.isEmpty ? 0 : 1))
        #expect(config.warnings.allSatisfy { $0.hasPrefix(remark) }, "\(config.warnings)")
        // What is saved can be read again.
        #expect(try EncoderConfig(json: config.json()).labels == names)
    }

    @Test func invalidUTF8IsNotJSON() throws {
        let text = try #require(
            message { _ = try EncoderConfig(json: Data([0x7B, 0x22, 0xFF, 0x22, 0x7D])) })
        #expect(text.contains("not valid JSON"))
    }

    @Test func unknownKeysAreKeptAndMisspeltOnesReported() throws {
        let json =
            #"{"hiden_size": 4, "use_cache": true, "task_specific_params": {"a": [1, 2.5, null, "x"]}}"#
        let config = try EncoderConfig(json: Data(json.utf8))
        #expect(config.unknownKeys.names.sorted() == ["hiden_size", "task_specific_params", "use_cache"])
        #expect(config.warnings == ["'hiden_size' is ignored; did you mean 'hidden_size'?"])
        let again = try EncoderConfig(json: config.json())
        #expect(again.unknownKeys == config.unknownKeys)
    }

    @Test func encodingRoundTrips() throws {
        var config = EncoderConfig()
        config.vocabularySize = 999
        config.hiddenSize = 96
        config.layers = 3
        config.heads = 6
        config.feedForwardSize = 100
        config.maxPositions = 77
        config.tokenTypes = 1
        config.activation = .geluNew
        config.hiddenDropout = 0
        config.attentionDropout = 0.25
        config.classifierDropout = 0.5
        config.layerNormEpsilon = 1e-5
        config.initializerRange = 0.03
        config.paddingID = nil
        config.tieWordEmbeddings = false
        config.labels = ["negativ", "größer/kleiner", "2"]
        config.problemType = .singleLabel
        config.architectures = ["BertForSequenceClassification"]
        config.pooling = .cls
        config.unknownKeys = ["note": .string("kept")]
        for position in NormPosition.allCases {
            config.normPosition = position
            config.modelType = position == .post ? "bert" : nil
            #expect(try EncoderConfig(json: config.json()) == config)
        }
    }

    @Test func directoryPrefersModelJSON() throws {
        let directory = try TemporaryDirectory()
        let missing = try #require(message { _ = try EncoderConfig(contentsOf: directory.url) })
        #expect(missing.contains("neither a model.json nor a config.json"))
        try directory.write("config.json", #"{"hidden_size": 24}"#)
        #expect(try EncoderConfig(contentsOf: directory.url).hiddenSize == 24)
        let file = URL(fileURLWithPath: try directory.write("model.json", #"{"hidden_size": 36}"#))
        #expect(try EncoderConfig(contentsOf: directory.url).hiddenSize == 36)
        #expect(try EncoderConfig(contentsOf: file).hiddenSize == 36)
        let absent = directory.url.appendingPathComponent("none")
        let text = try #require(message { _ = try EncoderConfig(contentsOf: absent) })
        #expect(text.contains("none: does not exist"))
    }

    @Test func attentionMaskRoundTrips() throws {
        let json =
            #"{"num_attention_heads": 2, "hidden_size": 8, "model_type": "bert", "attention_mask": "star; window(3)"}"#
        let config = try EncoderConfig(json: Data(json.utf8))
        #expect(config.attentionMask == AttentionMask(heads: [.star, .window(3)]))
        let saved = try EncoderConfig(json: try config.json())
        #expect(saved.attentionMask == config.attentionMask)
        #expect(saved.normPosition == .post)
        // Transformers would leave the mask out.
        #expect(saved.modelType == nil)
        #expect(try EncoderConfig(json: Data("{}".utf8)).attentionMask == nil)
    }

    @Test func masksOfLayersRoundTrip() throws {
        let json = #"{"num_hidden_layers": 2, "attention_mask": ["star", "bits(size=2, rows=80c0)"]}"#
        let config = try EncoderConfig(json: Data(json.utf8))
        #expect(config.attentionMask == nil && config.attentionMask(layer: 0) == AttentionMask(.star))
        #expect(config.maskSize == 2 && config.longestSequence == 2)
        #expect(try EncoderConfig(json: try config.json()).attentionMasks == config.attentionMasks)
        let wrong = json.replacingOccurrences(of: "layers\": 2", with: "layers\": 3")
        #expect(
            message { _ = try EncoderConfig(json: Data(wrong.utf8)) }?.contains(
                "'attention_mask' has 2 masks for 3 layers; give one, or one per layer") == true)
    }

    @Test func attentionMaskFromAFileIsRelativeToTheConfiguration() throws {
        let directory = try TemporaryDirectory()
        try Data("80\nc0\n".utf8).write(to: directory.url.appendingPathComponent("mask.txt"))
        let file = directory.url.appendingPathComponent("model.json")
        try Data(#"{"attention_mask": {"file": "mask.txt"}}"#.utf8).write(to: file)
        let mask = try #require(try EncoderConfig(contentsOf: file).attentionMask)
        #expect(mask.size == 2)
        #expect(mask.keeps(query: 1, key: 0, head: 5) && !mask.keeps(query: 0, key: 1, head: 5))
    }

    @Test(arguments: [
        (#""windo(3)""#, "'attention_mask' cannot be read: there is no mask 'windo'"),
        (#""star; causal""#, "'attention_mask' is not possible: the mask has 2 patterns for 12 heads"),
        (#""window(-1)""#, "w must be 0 to"),
        ("3", "'attention_mask' is a number, expected a text such as"),
        (#"{"file": "no.txt"}"#, "'attention_mask' names a file that cannot be read"),
        (#"{"name": "star"}"#, "'attention_mask' is an object, expected {"),
    ])
    func wrongAttentionMask(json: String, message: String) {
        #expect {
            try EncoderConfig(json: Data("{\"attention_mask\": \(json)}".utf8))
        } throws: {
            "\($0)".contains(message)
        }
    }
}
