import GraphIR

/// Turns a forward graph into one step of training: the same outputs, plus gradients and the optimiser's updates.
///
/// Every trainable parameter that the loss depends on gets the state parameters `<name>.exp_avg` and
/// `<name>.exp_avg_sq` (initially zero), `<name>.ema` when weights are averaged, and updates of all of them. Others
/// are left alone; see `parametersWithoutGradient`.
///
/// - Added inputs, f32 scalars: those of `OptimizerOptions.inputs`, and `loss_scale` when the loss is scaled.
/// - Added output: `gradient_norm`, the L2 norm of all gradients before clipping, without those that are not clipped.
/// - Parameters:
///   - forward: a graph with an f32 scalar output named `loss`.
///   - loss: that output's name.
///   - options: the optimiser and how parameters are treated.
/// - Throws: when there is no such output, no trainable parameter reaches it, an op has no gradient rule, or
///   an added name is taken.
public func trainingStep(
    _ forward: Graph, loss: String = TrainingNames.loss, options: OptimizerOptions = OptimizerOptions()
) throws(IRError) -> Graph {
    try options.check()
    let builder = GraphBuilder(extending: try decomposed(forward))
    let lossScale = options.scalesLoss ? builder.input(TrainingNames.lossScale, .f32, []) : nil
    let objective = builder.tensor(try builder.graph.value(named: loss))
    let (step, trained) = try differentiate(objective, scaledBy: lossScale, as: loss)
    let writer = GraphBuilder(extending: step)
    writer.scope("optimizer") {
        OptimizerWriter(writer, options, lossScale: lossScale.map { writer.tensor($0.value) }).write(
            trained.map {
                .init(name: $0.name, tensors: (writer.tensor($0.parameter), writer.tensor($0.gradient)))
            })
    }
    return try writer.finish()
}

/// The first half of a step over several micro-batches: the forward graph's outputs, and a sum of gradients in the
/// accumulator `<name>.grad` for every trainable parameter that the loss depends on.
///
/// - Added inputs: `loss_weights` f32[terms], what each term is multiplied by; `carry` f32[], which the old sum is
///   multiplied by: 0 starts a new one, where sums go on; and `loss_scale` when the loss is scaled.
/// - Added output: `weighted_loss`, the sum of the weighted terms.
/// - Parameters:
///   - forward: as for `trainingStep`.
///   - terms: names of the outputs, f32 scalars, that add up to the loss.
///   - options: the optimiser and how parameters are treated.
///   - addsUp: whether gradients are added to what the accumulators hold; they replace it otherwise, and there is no `carry`.
/// - Throws: as `trainingStep`.
package func accumulationStep(
    _ forward: Graph, terms: [String] = [TrainingNames.loss], options: OptimizerOptions = OptimizerOptions(),
    addsUp: Bool = true
) throws(IRError) -> Graph {
    try options.check()
    let builder = GraphBuilder(extending: try decomposed(forward))
    let lossScale = options.scalesLoss ? builder.input(TrainingNames.lossScale, .f32, []) : nil
    let weights = builder.input(TrainingNames.lossWeights, .f32, [.fixed(terms.count)])
    var objective: Tensor?
    for (index, term) in terms.enumerated() {
        let weight = weights.slice(axis: 0, start: index, size: 1).reshaped([])
        let weighted = builder.tensor(try builder.graph.value(named: term)) * weight
        objective = objective.map { $0 + weighted } ?? weighted
    }
    guard let objective else { throw IRError("gradient", "a loss has at least one term", at: forward.name) }
    builder.output(TrainingNames.weightedLoss, objective)
    let (step, trained) = try differentiate(objective, scaledBy: lossScale, as: TrainingNames.weightedLoss)
    let writer = GraphBuilder(extending: step)
    writer.scope("accumulation") {
        let carry = addsUp ? writer.input(TrainingNames.carry, .f32, []) : nil
        for (name, _, gradient) in trained {
            let gradient = writer.tensor(gradient)
            let sum = writer.parameter(
                TrainingNames.gradientSum(of: name), gradient.shape, role: .accumulator)
            writer.update(sum, to: carry.map { sum * $0 + gradient } ?? gradient)
        }
    }
    return try writer.finish()
}

/// The second half: the optimiser's updates from the sums that `accumulationStep` of the same graph leaves.
///
/// Inputs, output and state parameters are those that `trainingStep` adds, but for `loss_scale`, which the sums
/// are divided by.
///
/// - Parameter share: the parameters to update, where others update the rest: the graph has the input `gradient_squares` then, f32
///   with the number that `squaresStep` gives for each summed parameter that is clipped.
package func updateStep(
    _ forward: Graph, terms: [String] = [TrainingNames.loss], options: OptimizerOptions = OptimizerOptions(),
    share: Set<String>? = nil
) throws(IRError) -> Graph {
    let trained = try summedParameters(forward, terms: terms, options: options)
    let builder = GraphBuilder("\(forward.name).update")
    let lossScale = options.scalesLoss ? builder.input(TrainingNames.lossScale, .f32, []) : nil
    builder.scope("optimizer") {
        let writer = OptimizerWriter(builder, options, lossScale: lossScale)
        let targets = trained.map { name, shape in
            OptimizerWriter.Trained(
                name: name,
                tensors: share?.contains(name) ?? true
                    ? (builder.parameter(name, shape), builder.sum(of: name, shape)) : nil)
        }
        writer.write(targets)
    }
    return try builder.finish()
}

/// The squared L2 norms of some sums of gradients, outputs called as the parameters: what the processes that share an update tell
/// one another first.
package func squaresStep(
    _ forward: Graph, terms: [String] = [TrainingNames.loss], options: OptimizerOptions = OptimizerOptions(),
    share: Set<String>
) throws(IRError) -> Graph {
    let builder = GraphBuilder("\(forward.name).squares")
    for (name, shape) in try summedParameters(forward, terms: terms, options: options)
    where share.contains(name) && options.treatment(of: name).isClipped {
        builder.output(name, OptimizerWriter.square(of: builder.sum(of: name, shape)))
    }
    return try builder.finish()
}

/// The parameters of which `accumulationStep` leaves sums, in the order of the update.
package func summedParameters(
    _ forward: Graph, terms: [String] = [TrainingNames.loss], options: OptimizerOptions = OptimizerOptions()
) throws(IRError) -> [(name: String, shape: [Dimension])] {
    let accumulation = try accumulationStep(forward, terms: terms, options: options)
    return accumulation.trainableParameters.filter {
        accumulation.hasParameter(TrainingNames.gradientSum(of: $0.name))
    }.map { ($0.name, accumulation.type(of: $0.value).shape) }
}

extension GraphBuilder {
    fileprivate func sum(of name: String, _ shape: [Dimension]) -> Tensor {
        parameter(TrainingNames.gradientSum(of: name), shape, role: .accumulator)
    }
}

/// Names of the trainable parameters that the loss does not depend on; `trainingStep` leaves them alone.
package func parametersWithoutGradient(_ forward: Graph, loss: String = TrainingNames.loss) throws(IRError)
    -> [String]
{
    var graph = try decomposed(forward)
    let parameters = graph.trainableParameters
    let gradients = try appendGradients(
        to: &graph, of: try graph.value(named: loss), withRespectTo: parameters.map(\.value))
    return zip(parameters, gradients).filter { $1 == nil }.map(\.0.name)
}

/// The graph with the custom ops that have no gradient decomposed: they have one through their decomposition.
private func decomposed(_ forward: Graph) throws(IRError) -> Graph {
    var graph = forward
    _ = try graph.decompose { !$0.hasGradient }
    return graph
}

/// A trainable parameter that the loss depends on.
private typealias TrainedParameter = (name: String, parameter: Value, gradient: Value)

/// Finishes the graph of `objective` and appends the gradients of it times `scale`, in node order of the parameters.
private func differentiate(
    _ objective: Tensor, scaledBy scale: Tensor?, as name: String
) throws(IRError) -> (Graph, [TrainedParameter]) {
    let scaled = scale.map { objective * $0 } ?? objective
    var graph = try objective.builder.finish()
    let parameters = graph.trainableParameters
    let gradients = try appendGradients(to: &graph, of: scaled.value, withRespectTo: parameters.map(\.value))
    let trained = zip(parameters, gradients).compactMap { parameter, gradient in
        gradient.map { (parameter.name, parameter.value, $0) }
    }
    guard !trained.isEmpty else {
        throw IRError("gradient", "\"\(name)\" depends on no trainable parameter; nothing would be trained")
    }
    return (graph, trained)
}

extension Graph {
    fileprivate var trainableParameters: [(name: String, value: Value)] {
        nodeIDs.compactMap { id in
            guard case .source(.parameter(let name, _, .trainable)) = self[id].op else { return nil }
            return (name, Value(id))
        }
    }

    fileprivate func hasParameter(_ name: String) -> Bool {
        nodes.contains { if case .source(.parameter(name, _, _)) = $0.op { true } else { false } }
    }
}
