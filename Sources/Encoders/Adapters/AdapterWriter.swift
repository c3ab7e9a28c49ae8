import GraphIR
import Support

/// Writes what adapters add to linear layers.
final class AdapterWriter {
    private let plan: AdapterPlan
    private let isTraining: Bool
    /// x Aᵀ of the modules that several layers have in common.
    private var inner: [Inner: Tensor] = [:]
    /// All modules with linear layers.
    private var modules: [String] = []

    private struct Inner: Hashable {
        let input: Value
        let module: String
    }

    init(_ plan: AdapterPlan, isTraining: Bool) {
        self.plan = plan
        self.isTraining = isTraining
    }

    var isRandom: Bool { isTraining && plan.config.dropout > 0 }

    /// What the adapters of a layer give for its input; nil when it has none.
    func addend(
        _ x: Tensor, _ layer: String, _ sizes: (inputs: Int, outputs: Int), _ part: ParameterSpec.Part,
        _ builder: EncoderBuilder
    ) -> Tensor? {
        modules += plan.modules(of: layer).map(\.name)
        let parts = plan.parts(of: layer)
        guard parts.contains(where: { $0 != nil }) else { return nil }
        let g = builder.g
        return g.scope("adapter") {
            let addends = parts.map { adapter in
                let count = sizes.outputs / parts.count
                guard let adapter else {
                    return g.constant(0, TensorType(.f32, [x.shape[0], .fixed(count)]))
                }
                let rows = builder.parameter(
                    ParameterSpec(
                        adapter.output, [count, adapter.rank], role: .adapterOutput, part: part))
                return inner(x, adapter, sizes.inputs, part, builder).matmul(rows, transposeRight: true)
            }
            return addends.count == 1 ? addends[0] : g.concatenate(addends, axis: 1)
        }
    }

    /// scale · x Aᵀ, once for all layers of a module that read the same.
    private func inner(
        _ x: Tensor, _ adapter: AdapterPlan.Part, _ inputs: Int, _ part: ParameterSpec.Part,
        _ builder: EncoderBuilder
    ) -> Tensor {
        let key = Inner(input: x.value, module: adapter.module)
        if let known = inner[key] { return known }
        let columns = builder.parameter(
            ParameterSpec(adapter.input, [adapter.rank, inputs], role: .adapterInput, part: part))
        let product = builder.dropout(x, plan.config.dropout).matmul(columns, transposeRight: true)
        let scaled = adapter.scale == 1 ? product : product * adapter.scale
        inner[key] = scaled
        return scaled
    }

    /// Refuses an adapter that is not for this model.
    func check() throws {
        let config = plan.config
        if config.ranks != nil { return }
        func refuse(_ problem: String) -> ConfigError {
            ConfigError(file: "LoRA configuration", field: "targetModules", problem: problem)
        }
        for entry in config.targetModules where !modules.contains(where: { plan.matches($0, entry) }) {
            let ends = Set(modules.map { String($0.split(separator: ".").last ?? "") })
            throw refuse(
                "has \"\(entry)\", which no linear layer matches; expected names such as "
                    + "\(Formatted.list(ends.sorted())), or \"\(LoRAConfig.allLinear)\"")
        }
        guard modules.contains(where: { plan.isAdapted($0) }) else {
            throw refuse("leaves no layer to adapt: all that match are modules to save")
        }
    }
}
