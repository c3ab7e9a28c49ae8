import GraphIR

/// Turns a forward graph into one step of training: the same outputs, plus gradients and AdamW updates.
///
/// Every trainable parameter that the loss depends on gets the state parameters `<name>.exp_avg` and
/// `<name>.exp_avg_sq` (initially zero) and updates of all three. Others are left alone; see
/// `parametersWithoutGradient`.
///
/// - Added inputs, f32 scalars: `learning_rate`, and `correction1`, `correction2`, which are 1 - beta^t at
///   step t.
/// - Added output: `gradient_norm`, the L2 norm of all gradients before clipping.
/// - Parameters:
///   - forward: a graph with an f32 scalar output named `loss`.
///   - loss: that output's name.
/// - Throws: when there is no such output, no trainable parameter reaches it, an op has no gradient rule, or
///   an added name is taken.
public func trainingStep(
    _ forward: Graph, loss: String = "loss", options: OptimizerOptions = OptimizerOptions()
) throws(IRError) -> Graph {
    var graph = forward
    var trained: [(name: String, parameter: Value, gradient: Value)] = []
    for (parameter, gradient) in try appendParameterGradients(to: &graph, loss: loss) {
        if let gradient { trained.append((parameter.name, parameter.value, gradient)) }
    }
    guard !trained.isEmpty else {
        throw IRError("gradient", "\"\(loss)\" depends on no trainable parameter; nothing would be trained")
    }
    let builder = GraphBuilder(extending: graph)
    builder.scope("optimizer") {
        let rate = builder.input("learning_rate", .f32, [])
        let corrections = ["correction1", "correction2"].map { builder.input($0, .f32, []) }
        let norm = globalNorm(trained.map { builder.tensor($0.gradient) })
        let scale = options.maxGradientNorm.map { clipFactor(norm, maxNorm: $0) } ?? builder.scalar(1)
        for (name, parameter, gradient) in trained {
            let p = builder.tensor(parameter)
            let moments = ["exp_avg", "exp_avg_sq"].map {
                builder.parameter("\(name).\($0)", p.shape, role: .state)
            }
            var attributes = options.adamW
            if options.noDecay(name) { attributes.weightDecay = 0 }
            let new = builder.scope(name) {
                builder.applyAll(
                    .adamW(attributes),
                    [p, builder.tensor(gradient)] + moments + [rate] + corrections + [scale])
            }
            for (target, value) in zip([p] + moments, new) { builder.update(target, to: value) }
        }
        builder.output("gradient_norm", norm)
    }
    return try builder.finish()
}

/// Names of the trainable parameters that the loss does not depend on; `trainingStep` leaves them alone.
public func parametersWithoutGradient(_ forward: Graph, loss: String = "loss") throws(IRError) -> [String] {
    var graph = forward
    return try appendParameterGradients(to: &graph, loss: loss).filter { $0.gradient == nil }.map(
        \.parameter.name)
}

/// A trainable parameter's name and value.
private typealias TrainableParameter = (name: String, value: Value)

/// Appends the gradients of the output called `loss` with respect to all trainable parameters, in node order.
private func appendParameterGradients(
    to graph: inout Graph, loss: String
) throws(IRError) -> [(parameter: TrainableParameter, gradient: Value?)] {
    // Custom ops without a gradient have one through their decomposition.
    _ = try graph.decompose { !$0.hasGradient }
    guard let output = graph.outputs.first(where: { $0.name == loss }) else {
        let names = graph.outputs.map { "\"\($0.name)\"" }.joined(separator: ", ")
        throw IRError("gradient", "there is no output \"\(loss)\"; the outputs are \(names)", at: graph.name)
    }
    var parameters: [TrainableParameter] = []
    for id in graph.nodeIDs {
        guard case .parameter(let name, _, .trainable) = graph[id].op else { continue }
        parameters.append((name, Value(id)))
    }
    let gradients = try appendGradients(
        to: &graph, of: output.value, withRespectTo: parameters.map(\.value))
    return zip(parameters, gradients).map { ($0, $1) }
}

/// √(Σ over gradients Σ g²), f32[].
private func globalNorm(_ gradients: [Tensor]) -> Tensor {
    let squares = gradients.map { ($0 * $0).sum() }
    return squares.dropFirst().reduce(squares[0], +).sqrt()
}

/// min(1, maxNorm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_ scales gradients.
private func clipFactor(_ norm: Tensor, maxNorm: Double) -> Tensor {
    norm.builder.binary(.min, norm.builder.scalar(1), maxNorm / (norm + 1e-6))
}
