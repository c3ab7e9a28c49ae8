import GraphIR
import Support

extension EncoderConfig {
    /// Layers that a model may have.
    static let mostLayers = 1000
    /// Far beyond any encoder, and within the arithmetic of sizes in bytes.
    private static let mostParameters = 1e11

    /// About how many parameters the model has: embeddings and the matrices of all layers, shared ones once.
    package var parameterEstimate: Double {
        let hidden = Double(hiddenSize)
        let spec = family.spec(of: self)
        let positions = spec.embeddings.positions.hasTable ? maxPositions : 0
        let tables = Double(vocabularySize) + Double(positions) + Double(spec.embeddings.tokenTypes ?? 0)
        let attention = Double(Set(spec.layers.map(\.attention.owner)).count)
        var owners: Set<Int> = []
        let feedForward = spec.layers.map(\.feedForward).filter { owners.insert($0.owner).inserted }
        let columns = feedForward.reduce(0) { $0 + ($1.isGated ? 3 : 2) * Double($1.width) }
        return tables * Double(embeddingWidth) + attention * 4 * hidden * hidden + columns * hidden
    }

    /// Checks that a model of this configuration can be built.
    /// - Parameter file: what the configuration is called in an error.
    /// - Throws: `ConfigError` for the first field that is out of range.
    public func validate(file: String = "model configuration") throws {
        func require(_ holds: Bool, _ key: Key, _ problem: @autoclosure () -> String) throws {
            guard holds else {
                throw ConfigError(file: file, field: name(of: key), problem: problem())
            }
        }
        try require(
            EncoderFamilies.named(modelType) != nil, .modelType,
            "is '\(modelType ?? "")', expected \(EncoderFamilies.list)")
        for (key, isSet) in [
            (Key.normPosition, normPosition != .post), (.attentionMask, !attentionMasks.isEmpty),
            (.shareLayers, shareLayers != .none), (.embeddingSize, embeddingWidth != hiddenSize),
        ] where isSet {
            try require(
                !family.keys.refused.contains(key), key,
                "is not for the family '\(family.modelType)', whose models have no such thing")
        }
        let sizes: [(Key, Int)] = [
            (.vocabularySize, vocabularySize), (.hiddenSize, hiddenSize), (.layers, layers), (.heads, heads),
            (.feedForwardSize, feedForwardSize), (.maxPositions, maxPositions), (.tokenTypes, tokenTypes),
            (.embeddingSize, embeddingWidth),
        ]
        for (key, size) in sizes {
            // Token ids and tensor extents are 32-bit in the kernels.
            let least = family.keys.optional.contains(key) ? 0 : 1
            try require(
                (least...Int(Int32.max)).contains(size), key,
                "is \(size), expected \(least) to \(Int32.max)")
        }
        try require(
            layers <= Self.mostLayers, .layers, "is \(layers), expected at most \(Self.mostLayers)")
        if case .groups(let count) = shareLayers {
            try require(
                (1...layers).contains(count), .shareLayers,
                "is '\(shareLayers)', expected 1 to \(layers) groups (\(name(of: .layers)))")
        }
        for key in family.keys.own {
            guard let value = unknownKeys[key.name], !key.accepts(value) else { continue }
            throw ConfigError(file: file, field: key.name, problem: "is \(value), expected \(key.expected)")
        }
        try require(
            attentionMasks.count <= 1 || attentionMasks.count == layers, .attentionMask,
            "has \(attentionMasks.count) masks for \(layers) layers; give one, or one per layer")
        if let found = family.problem(with: self) {
            throw ConfigError(file: file, field: found.field, problem: found.problem)
        }
        try require(
            parameterEstimate <= Self.mostParameters, .hiddenSize,
            "and the other sizes make a model of about \(Int(min(1e15, parameterEstimate / 1e9))) billion "
                + "parameters, expected at most \(Int(Self.mostParameters / 1e9)) billion")
        try require(
            hiddenSize % heads == 0, .hiddenSize,
            "is \(hiddenSize), which \(name(of: .heads)) (\(heads)) does not divide; "
                + "choose a multiple of \(heads)")
        let rates: [(Key, Double)] = [
            (.hiddenDropout, hiddenDropout), (.attentionDropout, attentionDropout),
            (.classifierDropout, effectiveClassifierDropout), (.stochasticDepth, stochasticDepth),
        ]
        for (key, rate) in rates {
            try require(rate >= 0 && rate < 1, key, "is \(rate), expected at least 0 and less than 1")
        }
        try require(
            layerNormEpsilon > 0 && layerNormEpsilon < 1, .layerNormEpsilon,
            "is \(layerNormEpsilon), expected more than 0 and less than 1")
        try require(
            initializerRange >= 0 && initializerRange.isFinite, .initializerRange,
            "is \(initializerRange), expected a number of at least 0")
        if let paddingID {
            try require(
                paddingID >= 0 && paddingID < vocabularySize, .paddingID,
                "is \(paddingID), expected 0 to \(vocabularySize - 1) (\(name(of: .vocabularySize)) - 1)")
        }
        try require(
            positionCount > 0, .maxPositions,
            "is \(maxPositions), but the first \(maxPositions - positionCount) positions are not for tokens")
        for mask in attentionMasks {
            do throws(IRError) {
                try mask.check(heads: heads)
            } catch {
                throw ConfigError(
                    file: file, field: name(of: .attentionMask),
                    problem: "is not possible: \(error.message)")
            }
        }
    }
}
