import Foundation
import Support

extension BertConfig {
    /// Reads a configuration file, or `model.json` (else `config.json`) of a model directory.
    /// - Throws: `BertConfigError` naming the file, the field and what was expected.
    public init(contentsOf url: URL) throws {
        let file = try Self.file(at: url)
        let data: Data
        do {
            data = try Data(contentsOf: file)
        } catch {
            throw BertConfigError(file: file.path, problem: "cannot be read: \(Self.reason(of: error))")
        }
        try self.init(json: data, file: file.path)
    }

    /// Decodes the text of a `model.json` or `config.json`.
    /// - Parameter file: what the text is called in an error.
    /// - Throws: `BertConfigError` naming the field and what was expected.
    public init(json: Data, file: String = "model configuration") throws {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: json)
        } catch {
            throw BertConfigError(file: file, problem: "is \(error)")
        }
        guard case .object(let object) = value else {
            throw BertConfigError(file: file, problem: "holds \(value.kind), expected a JSON object")
        }
        let fields = ConfigFields(file: file, object: object)
        self.init()
        try readSizes(fields)
        try readNumbers(fields)
        try readKind(fields)
        attentionMasks = try fields.masks(.attentionMask)
        labels = try Self.labels(in: fields, architecture: architecture) ?? []
        let known = Set(Key.allCases.map(\.rawValue))
        unknownKeys = object.filter { !known.contains($0.name) }
        try Self.refuseOtherModels(object, file: file)
        try validate(file: file)
    }

    private mutating func readSizes(_ fields: ConfigFields) throws {
        vocabularySize = try fields.integer(.vocabularySize) ?? vocabularySize
        hiddenSize = try fields.integer(.hiddenSize) ?? hiddenSize
        layers = try fields.integer(.layers) ?? layers
        heads = try fields.integer(.heads) ?? heads
        feedForwardSize = try fields.integer(.feedForwardSize) ?? feedForwardSize
        maxPositions = try fields.integer(.maxPositions) ?? maxPositions
        tokenTypes = try fields.integer(.tokenTypes) ?? tokenTypes
        embeddingSize = try fields.integer(.embeddingSize)
        // An explicit null means that there is no padding token.
        paddingID = fields.object[Key.paddingID.rawValue] == .null ? nil : try fields.integer(.paddingID) ?? 0
    }

    private mutating func readNumbers(_ fields: ConfigFields) throws {
        hiddenDropout = try fields.number(.hiddenDropout) ?? hiddenDropout
        attentionDropout = try fields.number(.attentionDropout) ?? attentionDropout
        classifierDropout = try fields.number(.classifierDropout)
        stochasticDepth = try fields.number(.stochasticDepth) ?? stochasticDepth
        layerNormEpsilon = try fields.number(.layerNormEpsilon) ?? layerNormEpsilon
        initializerRange = try fields.number(.initializerRange) ?? initializerRange
        tieWordEmbeddings = try fields.bool(.tieWordEmbeddings) ?? tieWordEmbeddings
    }

    private mutating func readKind(_ fields: ConfigFields) throws {
        activation = try fields.choice(.activation, aliases: BertActivation.aliases) ?? activation
        problemType = try fields.choice(.problemType)
        architectures = try fields.strings(.architectures) ?? []
        modelType = try fields.string(.modelType)
        if let modelType, modelType != "bert" {
            throw fields.error(.modelType, "is '\(modelType)', expected 'bert'; other models are not read")
        }
        let isHuggingFace = modelType != nil || !architectures.isEmpty
        normPosition = try fields.choice(.normPosition) ?? (isHuggingFace ? .post : .pre)
        pooling = try fields.choice(.pooling) ?? pooling
        if let text = try fields.string(.shareLayers) {
            guard let sharing = LayerSharing(rawValue: text) else {
                throw fields.error(.shareLayers, "is '\(text)', expected \(LayerSharing.legal)")
            }
            shareLayers = sharing
        }
    }

    /// The label names out of `id2label`, `label2id` or `num_labels`; nil when the file has none of them and no
    /// classification head.
    private static func labels(in fields: ConfigFields, architecture: BertArchitecture?) throws -> [String]? {
        let count = try fields.integer(.labelCount)
        if let count, count <= 0 || count > 1_000_000 {
            throw fields.error(.labelCount, "is \(count), expected 1 to 1000000")
        }
        let names = try labelsByID(fields)
        let ids = try labelsByName(fields)
        if let names, let ids, names != ids {
            throw fields.error(.labelIDs, "disagrees with id2label; make one the inverse of the other")
        }
        guard let labels = names ?? ids else {
            let isClassifier = architecture == .sequenceClassification || architecture == .tokenClassification
            let implied = isClassifier ? 2 : nil
            return (count ?? implied).map { (0..<$0).map { "LABEL_\($0)" } }
        }
        if let count, count != labels.count {
            throw fields.error(.labelCount, "is \(count), but the file names \(labels.count) labels")
        }
        return labels
    }

    /// The labels in the order of `id2label`'s keys, which must be 0 to n - 1.
    private static func labelsByID(_ fields: ConfigFields) throws -> [String]? {
        guard let table = try fields.object(.labelNames) else { return nil }
        return try table.members.indices.map { id in
            guard case .string(let name)? = table[String(id)] else {
                throw fields.error(
                    .labelNames,
                    "has no text for \"\(id)\"; expected the keys 0 to \(table.members.count - 1)")
            }
            return name
        }
    }

    /// The labels in the order of `label2id`'s values, which must be 0 to n - 1.
    private static func labelsByName(_ fields: ConfigFields) throws -> [String]? {
        guard let table = try fields.object(.labelIDs) else { return nil }
        var labels = [String?](repeating: nil, count: table.members.count)
        for (name, value) in table.members {
            guard let id = value.integer, labels.indices.contains(id), labels[id] == nil else {
                throw fields.error(
                    .labelIDs,
                    "gives '\(name)' no id of its own; expected each of 0 to \(table.members.count - 1) once")
            }
            labels[id] = name
        }
        return labels.compactMap { $0 }
    }

    /// Refuses files whose other keys change the arithmetic: reading them as a BERT would give wrong numbers.
    private static func refuseOtherModels(_ object: JSONObject, file: String) throws {
        let required: [(key: String, legal: JSONValue, meaning: String)] = [
            ("position_embedding_type", .string("absolute"), "only absolute positions are supported"),
            ("is_decoder", .bool(false), "decoders are not supported"),
            ("add_cross_attention", .bool(false), "cross-attention is not supported"),
        ]
        for (key, legal, meaning) in required {
            guard let found = object[key], found != .null, found != legal else { continue }
            throw BertConfigError(
                file: file, field: key, problem: "has a value this model cannot have: \(meaning)")
        }
    }

    /// The configuration file that `url` means: itself, or the one in the directory it names.
    private static func file(at url: URL) throws -> URL {
        var isDirectory: ObjCBool = false
        let files = FileManager.default
        guard files.fileExists(atPath: url.path, isDirectory: &isDirectory) else {
            throw BertConfigError(
                file: url.path,
                problem: "does not exist, expected a model.json, config.json or model directory")
        }
        guard isDirectory.boolValue else { return url }
        for name in ["model.json", "config.json"] {
            let candidate = url.appendingPathComponent(name)
            if files.fileExists(atPath: candidate.path) { return candidate }
        }
        throw BertConfigError(file: url.path, problem: "has neither a model.json nor a config.json")
    }

    private static func reason(of error: any Error) -> String {
        (error as? CocoaError)?.underlying.map { "\($0.localizedDescription)" } ?? error.localizedDescription
    }
}
