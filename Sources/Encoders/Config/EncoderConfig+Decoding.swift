import Foundation
import Support

extension EncoderConfig {
    /// Reads a configuration file, or `model.json` (else `config.json`) of a model directory.
    /// - Throws: `ConfigError` naming the file, the field and what was expected.
    public init(contentsOf url: URL) throws {
        let file = try Self.file(at: url)
        let data: Data
        do throws(FileError) {
            data = try readFile(file.path)
        } catch {
            throw ConfigError(file: file.path, problem: "cannot be read: \(error.reason)")
        }
        try self.init(json: data, file: file.path)
    }

    /// Decodes the text of a `model.json` or `config.json`.
    /// - Parameters:
    ///   - json: the text, UTF-8.
    ///   - file: what it is called in an error.
    /// - Throws: `ConfigError` naming the field and what was expected.
    public init(json: Data, file: String = "model configuration") throws {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: json)
        } catch {
            throw ConfigError(file: file, problem: "is \(error)")
        }
        guard case .object(let members) = value else {
            throw ConfigError(file: file, problem: "holds \(value.kind), expected a JSON object")
        }
        let family = try Self.family(of: members, file: file)
        let object = family.translated(members)
        let fields = ConfigFields<Key>(file: file, object: object, family.keys)
        try Self.refuseNulls(fields, family)
        self = family.defaults
        try readSizes(fields)
        try readNumbers(fields)
        try readKind(fields)
        attentionMasks = try fields.masks(.attentionMask)
        let isClassifier = architecture == .sequenceClassification || architecture == .tokenClassification
        let table = try LabelTable(fields, isClassifier: isClassifier)
        labels = table.names
        let others = try OtherKeys(object, family, file: file)
        remarks = table.remarks + others.remarks
        let known = Set(Key.allCases.flatMap(fields.spellings))
        unknownKeys = object.filter { !known.contains($0.name) }
        try validate(file: file)
    }

    /// The family that a file is of.
    private static func family(of object: JSONObject, file: String) throws -> any EncoderFamily {
        let fields = ConfigFields<Key>(file: file, object: object)
        let modelType = try fields.string(.modelType)
        guard let family = EncoderFamilies.named(modelType) else {
            throw fields.error(
                .modelType,
                "is '\(modelType ?? "")', expected \(EncoderFamilies.list); other models are not read")
        }
        return family
    }

    /// Null is no value of a size, rate or name: Transformers does not read such a file either.
    private static func refuseNulls(_ fields: ConfigFields<Key>, _ family: any EncoderFamily) throws {
        // Keys that Transformers does not ask for a value, and those of bertc's own.
        let others: Set<Key> = [
            .labelNames, .labelIDs, .labelCount, .problemType, .architectures, .modelType, .normPosition,
            .attentionMask, .shareLayers, .stochasticDepth, .pooling,
        ]
        let tables: Set<Key> = family.defaults.embeddingSize == nil ? [.embeddingSize] : []
        let accepted = others.union(tables).union(family.keys.nullable)
        for key in Key.allCases where !accepted.contains(key) && fields.value(key) == .null {
            throw fields.error(key, "is null, expected a value; a file without the key has the usual one")
        }
    }

    private mutating func readSizes(_ fields: ConfigFields<Key>) throws {
        vocabularySize = try fields.integer(.vocabularySize) ?? vocabularySize
        hiddenSize = try fields.integer(.hiddenSize) ?? hiddenSize
        layers = try fields.integer(.layers) ?? layers
        heads = try fields.integer(.heads) ?? heads
        feedForwardSize = try fields.integer(.feedForwardSize) ?? feedForwardSize
        maxPositions = try fields.integer(.maxPositions) ?? maxPositions
        tokenTypes = try fields.integer(.tokenTypes) ?? tokenTypes
        embeddingSize = try fields.integer(.embeddingSize) ?? embeddingSize
        // An explicit null means that there is no padding token.
        paddingID = fields.value(.paddingID) == .null ? nil : try fields.integer(.paddingID) ?? paddingID
    }

    private mutating func readNumbers(_ fields: ConfigFields<Key>) throws {
        hiddenDropout = try fields.number(.hiddenDropout) ?? hiddenDropout
        attentionDropout = try fields.number(.attentionDropout) ?? attentionDropout
        classifierDropout = try fields.number(.classifierDropout) ?? classifierDropout
        stochasticDepth = try fields.number(.stochasticDepth) ?? stochasticDepth
        layerNormEpsilon = try fields.number(.layerNormEpsilon) ?? layerNormEpsilon
        initializerRange = try fields.number(.initializerRange) ?? initializerRange
        tieWordEmbeddings = try fields.bool(.tieWordEmbeddings) ?? tieWordEmbeddings
    }

    private mutating func readKind(_ fields: ConfigFields<Key>) throws {
        activation = try fields.choice(.activation, aliases: EncoderActivation.aliases) ?? activation
        problemType = try fields.choice(.problemType)
        architectures = try fields.strings(.architectures) ?? []
        modelType = try fields.string(.modelType)
        let isHuggingFace = modelType != nil || !architectures.isEmpty
        normPosition = try fields.choice(.normPosition) ?? (isHuggingFace ? .post : normPosition)
        pooling = try fields.choice(.pooling) ?? pooling
        if let text = try fields.string(.shareLayers) {
            guard let sharing = LayerSharing(rawValue: text) else {
                throw fields.error(.shareLayers, "is '\(text)', expected \(LayerSharing.legal)")
            }
            shareLayers = sharing
        }
    }

    /// The configuration file that `url` means: itself, or the one in the directory it names.
    private static func file(at url: URL) throws -> URL {
        var isDirectory: ObjCBool = false
        let files = FileManager.default
        guard files.fileExists(atPath: url.path, isDirectory: &isDirectory) else {
            throw ConfigError(
                file: url.path,
                problem: "does not exist, expected a model.json, config.json or model directory")
        }
        guard isDirectory.boolValue else { return url }
        for name in ["model.json", "config.json"] {
            let candidate = url.appendingPathComponent(name)
            if files.fileExists(atPath: candidate.path) { return candidate }
        }
        throw ConfigError(file: url.path, problem: "has neither a model.json nor a config.json")
    }
}
