import GraphIR
import Interpreter
import Support
import TestSupport
import Testing

@testable import Encoders

/// What an `EncoderSpec` can say that no family says yet, against specs that compute the same in another way.
@Suite struct EncoderSpecTests {
    private static let positions: [Int32] = [0, 1, 2, 0, 1]

    private static func spec(_ change: (inout EncoderSpec) -> Void = { _ in }) -> EncoderSpec {
        var config = EncoderConfig()
        (config.vocabularySize, config.hiddenSize, config.layers, config.heads) = (11, 8, 2, 2)
        (config.feedForwardSize, config.maxPositions) = (12, 7)
        var spec = EncoderSpec(config, name: "test")
        change(&spec)
        return spec
    }

    private static func build(_ spec: EncoderSpec) throws -> (graph: Graph, parameters: [ParameterSpec]) {
        var parameters: [ParameterSpec] = []
        let graph = try GraphBuilder.build("test") { g in
            let builder = EncoderBuilder(g, spec, isTraining: false)
            var writer = EncoderWriter(builder, gates: nil, isTraining: false)
            g.output("hidden", writer.write())
            parameters = builder.parameters
        }
        return (graph, parameters)
    }

    /// The states of the last layer. Parameters have random values by their names, unless `values` gives others.
    private static func hidden(
        _ spec: EncoderSpec, positions: [Int32] = positions,
        values: (ParameterSpec, HostTensor) -> HostTensor = { $1 }
    ) throws -> [Double] {
        let (graph, parameters) = try build(spec)
        var inputs = [
            "input_ids": HostTensor([3, 10, 4, 1, 7] as [Int32]), "position_ids": HostTensor(positions),
            "token_type_ids": HostTensor([0, 1, 1, 0, 0] as [Int32]),
            "offsets": HostTensor([0, 3, 5] as [Int32]), "lengths": HostTensor([3, 2] as [Int32]),
        ]
        for parameter in parameters {
            var random = SplitMix64(seed: Fingerprint(of: parameter.name).value)
            inputs[parameter.name] = values(parameter, .random(parameter.shape, -1...1, &random))
        }
        return try Interpreter(graph: graph, rounding: false).run(inputs, symbols: ["length": 3])
            .outputs["hidden"]?.values ?? []
    }

    private static func expectEqual(_ a: [Double], _ b: [Double]) {
        #expect(a.count == 40 && a.count == b.count)
        #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-9 })
    }

    @Test func positionsMayStartLater() throws {
        let offset = try Self.hidden(Self.spec { $0.embeddings.positions.offset = 2 })
        let shifted = try Self.hidden(Self.spec(), positions: Self.positions.map { $0 + 2 })
        Self.expectEqual(offset, shifted)
        #expect(offset != (try Self.hidden(Self.spec())))
    }

    @Test func paddingTakesNoPositionWhereTheyBeginBehindIt() {
        func uncounted(_ modelType: String) -> Int32? {
            var config = EncoderFamilies.named(modelType)?.defaults ?? EncoderConfig()
            config.modelType = modelType
            return config.uncountedToken
        }
        #expect(["roberta", "xlm-roberta", "camembert", "mpnet"].map(uncounted) == [1, 1, 1, 1])
        #expect(["bert", "albert", "modernbert", "distilbert"].allSatisfy { uncounted($0) == nil })
    }

    /// As `make_log_bucket_position` of Transformers' DeBERTa has them.
    @Test(arguments: [
        (
            256, 512,
            [
                (-1536, 511), (-511, 511), (-257, 448), (-129, 385), (-128, 384), (-1, 257), (0, 256),
                (1, 255),
                (128, 128), (129, 127), (135, 123), (511, 1), (512, 0), (1536, 0),
            ]
        ),
        (
            8, 24,
            [(-24, 15), (-13, 15), (-5, 13), (-4, 12), (0, 8), (4, 4), (5, 3), (11, 2), (23, 1), (24, 0)]
        ),
    ])
    func rowsOfDistancesAreTransformers(_ count: Int, _ maxDistance: Int, _ rows: [(Int, Int)]) {
        let part = EncoderSpec.DisentangledPositions(
            terms: .both, span: count, buckets: .init(count: count, maxDistance: maxDistance))
        for (distance, row) in rows { #expect(part.row(keyBehindQuery: distance) == row, "\(distance)") }
    }

    /// As `relative_position_bucket` of Transformers' MPNet has them.
    @Test func bucketsOfDistancesBeginWhereTransformersHasThem() {
        let part = EncoderSpec.RelativePositions(buckets: 32, maxDistance: 128)
        #expect(part.starts == [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91])
    }

    /// Turned by their positions, queries and keys know of them the difference only.
    @Test func rotaryPositionsAreRelative() throws {
        func spec(_ rotary: EncoderSpec.Rotary?) -> EncoderSpec {
            Self.spec { spec in
                spec.embeddings.positions.hasTable = false
                for index in spec.layers.indices { spec.layers[index].attention.rotary = rotary }
            }
        }
        let rotary = EncoderSpec.Rotary(base: 100)
        let turned = try Self.hidden(spec(rotary))
        Self.expectEqual(turned, try Self.hidden(spec(rotary), positions: Self.positions.map { $0 + 5 }))
        #expect(turned != (try Self.hidden(spec(nil))))
    }

    @Test func layersMayHaveNoBiases() throws {
        let bare = Self.spec { spec in
            for index in spec.layers.indices {
                spec.layers[index].attention.hasBiases = false
                spec.layers[index].feedForward.hasInnerBias = false
                spec.layers[index].feedForward.hasOutputBias = false
            }
        }
        let (all, left) = (try Self.build(Self.spec()).parameters, try Self.build(bare).parameters)
        #expect(left == all.filter { $0.role != .bias })
        let zeroed = try Self.hidden(Self.spec()) { parameter, values in
            parameter.role == .bias ? .filled(0, .f32, parameter.shape) : values
        }
        Self.expectEqual(try Self.hidden(bare), zeroed)
    }

    /// Where the second half of the first matrix gives 1, nothing is gated.
    @Test func theFirstHalfOfAGatedLayerIsActivated() throws {
        let gated = Self.spec { spec in
            for index in spec.layers.indices { spec.layers[index].feedForward.isGated = true }
        }
        func isIntermediate(_ parameter: ParameterSpec) -> Bool {
            parameter.name.contains(".intermediate.")
        }
        #expect(try Self.build(gated).parameters.filter(isIntermediate).map(\.shape[0]) == [24, 24, 24, 24])
        var halves: [String: HostTensor] = [:]
        let plain = try Self.hidden(Self.spec()) { parameter, values in
            if isIntermediate(parameter) { halves[parameter.name] = values }
            return values
        }
        let open = try Self.hidden(gated) { parameter, values in
            guard let half = halves[parameter.name] else { return values }
            let gate = HostTensor.filled(parameter.role == .bias ? 1 : 0, .f32, half.shape)
            return HostTensor(element: .f32, shape: parameter.shape, values: half.values + gate.values)
        }
        Self.expectEqual(open, plain)
        #expect(try Self.hidden(gated) != plain)
    }
}
