import Encoders
import Testing
import Training

@Suite struct ParameterInitializerTests {
    static let word = ParameterSpec("words", [1000, 64], role: .table(padding: 3), part: .embeddings)

    static func initializer(seed: Int) -> ParameterInitializer {
        ParameterInitializer(seed: seed, config: EncoderConfig())
    }

    @Test func matricesAreNormal() {
        let values = Self.initializer(seed: 1).values(for: ParameterSpec("pooler.dense.weight", [256, 256]))
        let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
        let variance =
            values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count)
        #expect(abs(mean) < 3e-4 && abs(variance.squareRoot() - 0.02) < 2e-4)
        let outside = values.count { abs($0) > 0.04 }
        #expect(abs(Double(outside) / Double(values.count) - 0.0455) < 0.004)
    }

    @Test func vectorsAndPaddingAreConstant() {
        let initializer = Self.initializer(seed: 1)
        #expect(initializer.values(for: .init("a", [3], role: .bias)) == [0, 0, 0])
        #expect(initializer.values(for: .init("b", [2], role: .normScale)) == [1, 1])
        #expect(initializer.values(for: .init("c", [2], role: .normBias)) == [0, 0])
        // sin 1, cos 1, sin 1/100, cos 1/100.
        let positions = initializer.values(for: .init("d", [2, 4], role: .sinusoids))
        let expected: [Float] = [0, 1, 0, 1, 0.841471, 0.540302, 0.009999833, 0.99995]
        #expect(zip(positions, expected).allSatisfy { abs($0 - $1) < 1e-6 })
        let words = initializer.values(for: Self.word)
        #expect(words[(3 * 64)..<(4 * 64)].allSatisfy { $0 == 0 } && words[..<64].contains { $0 != 0 })
    }

    @Test func valuesDependOnSeedAndNameOnly() {
        let (one, two) = (Self.initializer(seed: 1), Self.initializer(seed: 2))
        #expect(one.values(for: Self.word) == one.values(for: Self.word))
        #expect(one.values(for: Self.word) != two.values(for: Self.word))
        #expect(
            one.values(for: .init("a.weight", [4, 4])) != one.values(for: .init("b.weight", [4, 4])))
    }

    @Test(arguments: [
        ("*", "a.b", true), ("a.*", "a.b", true), ("a.*", "b.a.b", false), ("*.bias", "x.y.bias", true),
        ("*.bias", "x.bias.y", false), ("layer.?.w", "layer.1.w", true), ("layer.?.w", "layer.12.w", false),
        ("a*b*c", "a-b-b-c", true), ("a*b*c", "a-c-b", false), ("", "", true), ("", "a", false),
        ("a", "ab", false), ("layer.[0-3].w", "layer.2.w", true), ("layer.[0-3].w", "layer.4.w", false),
        ("a[", "a[", true), ("a\\*", "a\\b", true),
    ])
    func globs(pattern: String, name: String, matches: Bool) {
        #expect(Glob(pattern).matches(name) == matches)
    }
}
