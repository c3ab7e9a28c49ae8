import Foundation
import GraphIR
import Interpreter
import Testing

@Suite("Ops: attention")
struct AttentionTests {
    /// Two sequences: rows 0 and 1, then row 3; row 2 is padding. A third sequence has no key. One head of size 1.
    private let segments = [i32([0, 3, 4, 5]), i32([2, 1, 0])]
    private let attributes = AttentionAttributes(scale: 2)

    @Test("attention of two keys by hand: e^(2 q k) as weights")
    func forward() throws {
        let q = f32([0, 0.5, 9, 3, 9], [5, 1, 1])
        let k = f32([0, 1.0986123, 9, 1, 9], [5, 1, 1])
        let v = f32([1, 5, 9, 7, 9], [5, 1, 1])
        let results = try evaluate(.flashAttention(attributes), [q, k, v] + segments)
        // Row 0 weighs both keys alike; row 1 weighs them 1 : 3; row 3 has one key.
        let expected: [Double] = [(1.0 + 5) / 2, (1.0 + 15) / 4, 0, 7, 0]
        for (a, b) in zip(results[0].values, expected) { #expect(abs(a - b) < 1e-6) }
        let lse: [Double] = [log(2.0), log(4.0), -.infinity, 6, -.infinity]
        for (a, b) in zip(results[1].values, lse) { #expect(a == b || abs(a - b) < 1e-6) }
    }

    @Test("rows without a key, and padding, have no gradient")
    func gradientOfNothing() throws {
        let x = f32([0, 0.5, 9, 3, 9], [5, 1, 1])
        let forward = try evaluate(.flashAttention(attributes), [x, x, x] + segments)
        let gradients = try evaluate(.flashAttentionGradient(attributes), [x, x, x, x] + forward + segments)
        for gradient in gradients {
            #expect(gradient.values[2] == 0 && gradient.values[4] == 0)
            #expect(gradient.values.allSatisfy { $0.isFinite })
        }
    }

    @Test("dropout keeps what the op dropout keeps of the probabilities")
    func dropout() throws {
        let attributes = AttentionAttributes(scale: 1, rate: 0.5, stream: 3)
        let (heads, length) = (3, 8)
        let zero = HostTensor.filled(0, .f32, [length, heads, length])
        // Values are the unit vectors of their keys: the result is what is left of the probabilities.
        let unit = (0..<length).flatMap { row in
            (0..<heads).flatMap { _ in (0..<length).map { $0 == row ? 1.0 : 0.0 } }
        }
        let values = HostTensor(element: .f32, shape: [length, heads, length], values: unit)
        let rng = HostTensor.rng(seed: 7, step: 1)
        let out = try evaluate(
            .flashAttention(attributes), [zero, zero, values, i32([0, 8]), i32([8]), rng])[0]
        let probabilities = HostTensor.filled(1 / Double(length), .f32, [length, heads, length])
        let dropped = try evaluate(.dropout(rate: 0.5, stream: 3), [probabilities, rng])[0]
        #expect(out == dropped)
    }

    @Test("a key that the mask excludes has no weight; a row without a key is zero")
    func mask() throws {
        var bits = MaskBits(size: 2)
        bits[1, 0] = true
        let masked = AttentionAttributes(scale: 2, mask: AttentionMask(.bits(bits)))
        // The keys and values of row 1 are infinite, and nobody may look at them.
        let x = f32([0, 0.5, 9, 3, 9], [5, 1, 1])
        let k = f32([0, .infinity, 9, 1, 9], [5, 1, 1])
        let v = f32([5, .nan, 9, 7, 9], [5, 1, 1])
        let forward = try evaluate(.flashAttention(masked), [x, k, v] + segments)
        let (out, lse) = (forward[0].values, forward[1].values)
        #expect(out == [0, 5, 0, 0, 0])
        let nothing = -Double.infinity
        #expect(lse == [nothing, 0, nothing, nothing, nothing])
        let gradients = try evaluate(.flashAttentionGradient(masked), [x, x, k, v] + forward + segments)
        for gradient in gradients { #expect(gradient.values.allSatisfy { $0.isFinite }) }
        let dv = gradients[2].values
        #expect(dv == [0.5, 0, 0, 0, 0])
    }

    @Test("a sequence longer than the mask is an error") func maskSize() throws {
        let masked = AttentionAttributes(scale: 2, mask: AttentionMask(.bits(MaskBits(size: 1))))
        let x = f32([0, 0, 0, 0, 0], [5, 1, 1])
        #expect {
            try evaluate(.flashAttention(masked), [x, x, x] + segments)
        } throws: {
            "\($0)".contains("a sequence has 2 tokens, but the mask is for at most 1")
        }
    }

    @Test("a bias is added to the scaled scores, by pairs of positions or by distance") func bias() throws {
        let x = f32([0, 0, 9, 3, 9], [5, 1, 1])
        let v = f32([1, 5, 9, 7, 9], [5, 1, 1])
        let dout = f32([1, 10, 9, 1, 9], [5, 1, 1])
        // Row 0 weighs its keys 1 : 3, row 1 weighs them 7 : 1; row 3 is a first position.
        let three = 1.0986122886681098
        let seven = 1.9459101490553132
        for (bias, tensor) in [
            (AttentionBias.pairs, f32([0, three, 100, seven, 0, 100, 100, 100, 100], [1, 3, 3])),
            (.distances, f32([100, seven, 0, three, 100], [1, 5])),
        ] {
            var attributes = AttentionAttributes(scale: 2, bias: bias)
            let forward = try evaluate(.flashAttention(attributes), [x, x, v] + segments + [tensor])
            let expected: [Double] = [4, 1.5, 0, 7, 0]
            for (a, b) in zip(forward[0].values, expected) { #expect(abs(a - b) < 1e-5) }
            #expect(abs(forward[1].values[0] - log(4)) < 1e-6)
            attributes.hasBiasGradient = true
            let gradients = try evaluate(
                .flashAttentionGradient(attributes), [dout, x, x, v] + forward + segments + [tensor])
            // P (dP - delta): 1/4 (1 - 4) and 3/4 (5 - 4); 7/8 (10 - 15) and 1/8 (50 - 15).
            let dbias: [Double] =
                bias == .pairs
                ? [-0.75, 0.75, 0, -4.375, 4.375, 0, 0, 0, 0] : [0, -4.375, -0.75 + 4.375, 0.75, 0]
            #expect(gradients.count == 4)
            for (a, b) in zip(gradients[3].values, dbias) { #expect(abs(a - b) < 1e-5, "\(gradients[3])") }
        }
    }

    @Test("a bias of -infinity excludes the key; a row of nothing else is zero") func infiniteBias() throws {
        let nothing = -Double.infinity
        let bias = f32([nothing, nothing, 0, nothing], [1, 2, 2])
        var biased = AttentionAttributes(scale: 2, bias: .pairs)
        // As in the test of masks, nobody may look at row 1's key and value.
        let x = f32([0, 0.5, 9, 3, 9], [5, 1, 1])
        let k = f32([0, .infinity, 9, 1, 9], [5, 1, 1])
        let v = f32([5, .nan, 9, 7, 9], [5, 1, 1])
        let forward = try evaluate(.flashAttention(biased), [x, k, v] + segments + [bias])
        #expect(forward[0].values == [0, 5, 0, 0, 0])
        let lse = forward[1].values
        #expect(lse[1] == 0 && lse.indices.allSatisfy { $0 == 1 || lse[$0] == -.infinity })
        biased.hasBiasGradient = true
        let gradients = try evaluate(
            .flashAttentionGradient(biased), [x, x, k, v] + forward + segments + [bias])
        for gradient in gradients { #expect(gradient.values.allSatisfy { $0.isFinite }) }
        #expect(gradients[2].values == [0.5, 0, 0, 0, 0])
        #expect(gradients[3].values == [0, 0, 0, 0])
    }

    @Test("a sequence longer than the bias is an error", arguments: [[1, 1, 1], [1, 1]])
    func biasSize(shape: [Int]) throws {
        let bias = AttentionAttributes(scale: 2, bias: shape.count == 3 ? .pairs : .distances)
        let x = f32([0, 0, 0, 0, 0], [5, 1, 1])
        #expect {
            try evaluate(.flashAttention(bias), [x, x, x] + segments + [f32([0], shape)])
        } throws: {
            "\($0)".contains("a sequence has 2 tokens, but the bias is for at most 1")
        }
    }
}
