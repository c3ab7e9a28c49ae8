import GraphIR

/// Conversions between element types.
enum Casts {
    static let rules: [String: OperatorRule] = [
        "Cast": { site in
            guard let to = try site.elementType("to") else {
                throw ONNXError.invalid("has no attribute 'to'")
            }
            return [try cast(site, try site.input(0), to)]
        },
        "CastLike": { site in [try cast(site, try site.input(0), try site.input(1).element)] },
    ]

    private static func cast(_ site: NodeSite, _ x: ImportedValue, _ to: ONNXElement) throws -> ImportedValue
    {
        site.value(
            to, try converted(x.tensor, from: x.element, to: to, saturates: try site.flag("saturate", true)))
    }

    static func converted(
        _ x: Tensor, from: ONNXElement, to: ONNXElement, saturates: Bool = true
    ) throws -> Tensor {
        guard from != to else { return x }
        guard let carrier = to.carrier else {
            throw ONNXError.unsupported("elements of the type \(to.name) have no place in a graph")
        }
        if to == .float8e8m0 { throw ONNXError.unsupported("conversion to float8e8m0 is not supported") }
        if to.smallFloat != nil { return x.cast(.f32).rounded(to: to, saturates: saturates) }
        guard to.wraps else { return x.cast(carrier) }
        // By way of 64 bits, so that large numbers wrap rather than saturate.
        let wide = from.isInteger || from == .bool ? x.cast(.i64) : x.cast(.i64)
        return x.builder.wrapped(wide, to: to).cast(carrier)
    }
}
