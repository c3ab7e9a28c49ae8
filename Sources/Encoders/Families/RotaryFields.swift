import Foundation
import Support

/// The fields of `rope_parameters` or `rope_scaling`.
struct RotaryFields: Sendable, Hashable {
    /// How the angles differ from those of the base.
    enum Kind: String, CaseIterable {
        /// Not at all.
        case plain = "default"
        /// They are divided by `factor`.
        case linear
        /// The base is multiplied by `factor`, and the angles are divided by a root of it, so that the slowest ones are divided by
        /// `factor` and the fastest ones hardly change (Su, "Transformer upgrade 16", 2023).
        case ntk
    }

    /// `rope_type`, or `type`.
    private var kind = Kind.plain
    /// `rope_theta`; nil where it is not said.
    private var base: Double?
    private var factor = 1.0

    init() {}

    /// Reads an object; nil for one that says more, such as a scaling of another kind.
    init?(_ value: JSONValue, _ kinds: Set<Kind> = [.plain, .linear]) {
        guard let members = value.object?.members else { return nil }
        var factor: Double?
        for (field, value) in members where value != .null {
            switch (field, value.string.flatMap(Kind.init), value.double) {
            case ("rope_type", let kind?, _), ("type", let kind?, _): self.kind = kind
            case ("rope_theta", _, let base?) where base > 0: self.base = base
            case ("factor", _, let number?) where number > 0: factor = number
            default: return nil
            }
        }
        guard kinds.contains(kind), (kind == .plain) == (factor == nil) else { return nil }
        self.factor = factor ?? 1
    }

    /// The positions of heads of a size.
    /// - Parameter fallback: the base of fields that do not say it.
    func rotary(base fallback: Double, headSize: Int) -> EncoderSpec.Rotary {
        let base = base ?? fallback
        switch kind {
        case .plain: return EncoderSpec.Rotary(base: base)
        case .linear: return EncoderSpec.Rotary(base: base, factor: factor)
        case .ntk:
            // Factors that shorten nothing are left out by the models' code.
            guard factor > 1 else { return EncoderSpec.Rotary(base: base) }
            return EncoderSpec.Rotary(base: base * factor, factor: pow(factor, 2 / Double(headSize)))
        }
    }

    /// Rotary positions turn pairs of a head's elements.
    static func problem(with config: EncoderConfig) -> FieldProblem? {
        config.headSize % 2 == 0
            ? nil
            : FieldProblem(
                config.name(of: .hiddenSize),
                "makes heads of \(config.headSize) elements, but rotary positions need an even number")
    }
}

/// The keys that say the rotary positions of all layers, in the newer form and in the older one.
struct RotaryKeys: Sendable {
    private let parameters: FamilyKey<RotaryFields>
    private let scaling: FamilyKey<RotaryFields?>
    private let base: FamilyKey<Double>

    /// - Parameters:
    ///   - base: that of a file that does not say it.
    ///   - kinds: those that the family's models know.
    init(base: Double, _ kinds: Set<RotaryFields.Kind> = [.plain, .linear]) {
        let names = RotaryFields.Kind.allCases.filter(kinds.contains).map { "'\($0.rawValue)'" }
        let expected =
            "a rope_type that is \(names.joined(separator: " or ")), with a factor unless it is 'default', and "
            + "rope_theta; other rotary positions are not supported"
        parameters =
            FamilyKey("rope_parameters", RotaryFields(), expected) { RotaryFields($0, kinds) }
            .orNull
        scaling =
            FamilyKey("rope_scaling", nil, expected) { value in
                // An empty object says nothing.
                value.object?.members.isEmpty == true
                    ? .some(nil) : RotaryFields(value, kinds).map { .some($0) }
            }.orNull
        self.base = FamilyKey.positive("rope_theta", base)
    }

    var all: [any FamilyKeyProtocol] { [parameters, scaling, base] }

    /// What a file means: as in Transformers, the older form comes first.
    func rotary(of config: EncoderConfig) -> EncoderSpec.Rotary {
        (config[scaling] ?? config[parameters]).rotary(base: config[base], headSize: config.headSize)
    }
}
