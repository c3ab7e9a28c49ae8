import Support

/// A custom op as a node has it: its definition and a value for each attribute.
public struct CustomOp: Hashable, Sendable {
    /// What the op is: the object that was given to `custom`.
    public let definition: CustomOpDefinition
    /// In the definition's order.
    private let values: [Attribute]

    /// - Parameter attributes: those that differ from the definition's.
    /// - Throws: for a name or a kind of value that the definition does not have.
    package init(
        _ definition: CustomOpDefinition, _ attributes: [String: Attribute] = [:]
    ) throws(IRError) {
        guard definition.resultCount > 0 else {
            throw .type(
                "'custom.\(definition.name)' has \(definition.resultCount) results; it needs one at least")
        }
        let names = definition.attributes.map(\.name)
        guard Set(names).count == names.count else {
            throw .type("'custom.\(definition.name)' has two attributes of one name")
        }
        var reader = AttributeReader(attributes, of: "custom.\(definition.name)")
        try reader.expectNames(in: definition.attributes.map(\.name))
        var values: [Attribute] = []
        for (name, value) in definition.attributes {
            values.append(reader.contains(name) ? try reader.attribute(name, like: value) : value)
        }
        self.definition = definition
        self.values = values
    }

    /// The op's name in the text form.
    package var mnemonic: String { "custom.\(definition.name)" }

    package var attributes: [NamedAttribute] { zip(definition.attributes, values).map { ($0.name, $1) } }

    /// The value of an attribute of any kind.
    /// - Precondition: the definition has an attribute of that name.
    public subscript(_ name: String) -> Attribute {
        guard let index = definition.attributes.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("'\(mnemonic)' has no attribute '\(name)'")
        }
        return values[index]
    }

    /// The value of a `float` attribute.
    /// - Precondition: the definition has a `float` of that name.
    public func float(_ name: String) -> Double {
        guard case .float(let value) = self[name] else { preconditionFailure("'\(name)' is not a float") }
        return value
    }

    /// The value of an `int` attribute.
    /// - Precondition: the definition has an `int` of that name.
    public func int(_ name: String) -> Int {
        guard case .int(let value) = self[name] else { preconditionFailure("'\(name)' is not an int") }
        return value
    }
}

// MARK: What the definition's functions give, checked

extension CustomOp: OpFamily {
    /// The parser is given the definitions that a text may use.
    static let spellings: [any OpSpelling] = []

    var text: OpText { (mnemonic, attributes) }

    /// What is left of custom ops when fusion runs has an element program.
    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration {
        let fits = results.count == 1 && operands.allSatisfy { broadcasts($0.shape, to: results[0].shape) }
        return Iteration(fits ? .map : .opaque, over: results)
    }

    var traits: OpTraits {
        OpTraits(
            results: definition.resultCount, merges: true, folding: .small, isElementWise: false,
            byAddress: 0..<0, lowPrecision: 0..<0, integers: [], work: .elements(10), word: nil,
            dropoutStream: nil)
    }

    func types(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        // The text form splits a mnemonic at characters that no word has.
        guard definition.name.wholeMatch(of: /[A-Za-z_][A-Za-z_0-9]*/) != nil else {
            throw .type("'\(definition.name)' can't name a custom op: use letters, digits and '_'")
        }
        guard !operands.isEmpty else { throw .type("a custom op needs an operand") }
        let types = try checked("type") { try definition.shape(self, operands) }
        guard types.count == definition.resultCount else {
            throw .type("its shape rule gives \(types.count) results, but it has \(definition.resultCount)")
        }
        return types
    }

    func gradients(_ rule: VJP) throws(IRError) -> [Tensor?] {
        guard let gradient = definition.gradient else { throw noGradient() }
        let gradients = try checked("gradient") { try gradient(self, rule) }
        guard gradients.count == rule.operands.count else {
            throw IRError(
                "gradient",
                "'\(mnemonic)' has \(rule.operands.count) operands, but its gradient gives \(gradients.count)"
            )
        }
        return gradients
    }

    /// What the op means, by its definition's evaluation; for the interpreter, which checks the counts.
    package func evaluate(_ operands: [CustomOperand]) throws -> [[Double]] {
        try definition.evaluation(self, operands)
    }

    /// The results as other ops.
    ///
    /// - Throws: when a result does not have the type in `types`, or building it went wrong.
    package func decomposed(_ operands: [Tensor], _ types: [TensorType]) throws(IRError) -> [Tensor]? {
        guard let decomposition = definition.decomposition else { return nil }
        let results = try checked("custom") { try decomposition(self, operands) }
        guard results.map(\.type) == types, results.allSatisfy(\.exists) else {
            // Prefer the builder's own error.
            if let builder = operands.first?.builder { _ = try builder.finish() }
            let given = results.map(\.type.description).joined(separator: ", ")
            let wanted = types.map(\.description).joined(separator: ", ")
            throw IRError("custom", "its decomposition gives \(given), but its shape rule \(wanted)")
        }
        return results
    }

    /// Clients throw errors of any type.
    private func checked<Result>(_ rule: String, _ body: () throws -> Result) throws(IRError) -> Result {
        do {
            return try body()
        } catch let error as IRError {
            throw error
        } catch {
            throw IRError(rule, "\(error)")
        }
    }
}

extension GraphBuilder {
    /// Appends a custom op and returns all its results, of the types that its shape rule gives.
    ///
    /// - Parameters:
    ///   - definition: what the op is.
    ///   - operands: what its functions get, in this order.
    ///   - attributes: values that differ from the definition's.
    public func custom(
        _ definition: CustomOpDefinition, _ operands: [Tensor], _ attributes: [String: Attribute] = [:]
    ) -> [Tensor] {
        do throws(IRError) {
            return applyAll(.custom(try CustomOp(definition, attributes)), operands)
        } catch {
            return Array(repeating: fail(error), count: definition.resultCount)
        }
    }
}

extension Op {
    /// The op that prints as `custom.NAME` with these attributes; `nil` for any other mnemonic.
    init?(
        custom mnemonic: String, attributes: [String: Attribute], among definitions: [CustomOpDefinition]
    ) throws(IRError) {
        guard mnemonic.hasPrefix("custom.") else { return nil }
        let name = String(mnemonic.dropFirst("custom.".count))
        guard let definition = definitions.first(where: { $0.name == name }) else {
            let nearest = suggestion(for: name, in: definitions.map(\.name))
            throw .type("no custom op '\(name)' is defined here\(nearest)")
        }
        self = .custom(try CustomOp(definition, attributes))
    }
}
