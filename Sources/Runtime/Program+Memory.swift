import GraphIR
import KernelIR

extension Program {
    /// The memory of one run, as planned for `symbols`.
    ///
    /// - Precondition: `symbols` has every symbol of the graph.
    package func memory(_ symbols: [String: Int]) -> MemoryReport {
        let schedule = Schedule(self)
        let plan = MemoryPlan(schedule, MemoryPlan.Sizes(self, schedule, symbols))
        let scratch = launches.flatMap(\.kernel.phases).map { $0.scratchByteCount(symbols) }.max() ?? 0
        return MemoryReport(
            allocations: panels(schedule) + tensors(schedule, plan, symbols) + workspaces(schedule, plan),
            nodes: schedule.launches.map(\.node), arenaByteCount: plan.byteCount, scratchByteCount: scratch)
    }

    /// Parameters in panels, which outlive the run as the parameters do.
    private func panels(_ schedule: Schedule) -> [MemoryReport.Allocation] {
        packings.keys.map { packed in
            MemoryReport.Allocation(
                name: graph.name(packed.parameter), node: packed.parameter.node, category: .panels,
                byteCount: packed.byteCount, offset: nil, launches: 0...max(0, schedule.launches.count - 1))
        }.sorted { ($0.node, $0.byteCount) < ($1.node, $1.byteCount) }
    }

    /// Parameters and constants, then what lives in the arena.
    private func tensors(
        _ schedule: Schedule, _ plan: MemoryPlan, _ symbols: [String: Int]
    ) -> [MemoryReport.Allocation] {
        let end = max(0, schedule.launches.count - 1)
        var ranges: [Int: ClosedRange<Int>] = [:]
        for slot in schedule.slotsDefinedBefore { ranges[slot] = 0...end }
        for (launch, slots) in schedule.definitions.enumerated() {
            for slot in slots { ranges[slot] = launch...end }
        }
        for (launch, slots) in schedule.releases.enumerated() {
            for slot in slots { ranges[slot] = (ranges[slot]?.lowerBound ?? 0)...launch }
        }
        let gradients = Set(graph.parameterGradients.map { schedule.slots[storage(of: $0)] })
        var lasting: [MemoryReport.Allocation] = []
        var arena: [MemoryReport.Allocation] = []
        for id in graph.nodeIDs {
            let node = graph[id]
            for result in node.types.indices {
                let value = Value(id, result: result)
                let slot = schedule.slots[value]
                func allocation(_ category: MemoryReport.Category, _ bytes: Int, at offset: Int?)
                    -> MemoryReport.Allocation
                {
                    MemoryReport.Allocation(
                        name: graph.name(value), node: id, category: category, byteCount: bytes,
                        offset: offset, launches: ranges[slot] ?? 0...end)
                }
                let bytes =
                    Extent(node.types[result].shape).value(symbols) * node.types[result].element.byteCount
                if case .source(.parameter(_, _, let role)) = node.op {
                    lasting.append(
                        allocation(
                            role == .state || role == .accumulator ? .optimizer : .weights, bytes, at: nil))
                } else if schedule.lives[slot].isConstant {
                    lasting.append(allocation(.constants, bytes, at: nil))
                } else if plan.valueOffsets[slot] >= 0 {
                    let category: MemoryReport.Category = gradients.contains(slot) ? .gradients : .activations
                    arena.append(allocation(category, plan.sizes.values[slot], at: plan.valueOffsets[slot]))
                }
            }
        }
        return lasting + arena
    }

    private func workspaces(_ schedule: Schedule, _ plan: MemoryPlan) -> [MemoryReport.Allocation] {
        schedule.launches.enumerated().flatMap { index, launch in
            launch.buffers.compactMap { buffer in
                guard case .workspace(let number) = buffer else { return nil }
                return MemoryReport.Allocation(
                    name: "w\(number)", node: launch.node, category: .workspace,
                    byteCount: plan.sizes.workspaces[number], offset: plan.workspaceOffsets[number],
                    launches: index...index)
            }
        }
    }
}

extension Graph {
    /// The gradients of parameters: what the nodes that write trainable parameters read of the parameter's size, and is
    /// computed.
    package var parameterGradients: [Value] {
        var sizes: [NodeID: Set<SymbolicCount>] = [:]
        for update in updates {
            guard case .source(.parameter(_, let type, .trainable)) = self[update.parameter.node].op else {
                continue
            }
            sizes[update.value.node, default: []].insert(type.elementCount)
        }
        return sizes.flatMap { id, sizes in
            self[id].operands.filter { operand in
                if case .source = self[operand.node].op { return false }
                return sizes.contains(type(of: operand).elementCount)
            }
        }
    }
}
