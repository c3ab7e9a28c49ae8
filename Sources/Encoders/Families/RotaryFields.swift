import Support

/// The fields of `rope_parameters`, of which only plain rotary positions are understood.
struct RotaryFields: Sendable, Hashable {
    /// `rope_theta`; nil where it is not said.
    var base: Double?

    init() {}

    /// Reads an object; nil for one that says more than a base, such as a scaling of positions.
    @Sendable init?(_ value: JSONValue) {
        guard let members = value.object?.members else { return nil }
        for (field, value) in members {
            switch (field, value.string, value.double) {
            case ("rope_type", "default", _): break
            case ("rope_theta", _, let base?) where base > 0: self.base = base
            default: return nil
            }
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
