import GraphIR
import KernelIR

/// The order of launches and the lifetime of every value: all that is known before the shapes are.
struct Schedule {
    /// Numbers the results of all nodes.
    struct ValueSlots {
        private let first: [Int]
        /// Bytes of each.
        let byteCounts: [Extent]
        var count: Int { byteCounts.count }

        init(_ graph: Graph) {
            var first: [Int] = []
            var byteCounts: [Extent] = []
            for node in graph.nodes {
                first.append(byteCounts.count)
                byteCounts += node.types.map { Extent($0.shape) * .fixed($0.element.byteCount) }
            }
            (self.first, self.byteCounts) = (first, byteCounts)
        }

        subscript(_ value: Value) -> Int { first[value.node.index] + value.result }
    }

    struct Life {
        /// Whether the value has memory of its own in the arena.
        var inArena = false
        /// The parameter in whose memory the value lives: the parameter itself, or its new value written in place.
        var parameter: String?
        /// A constant of fixed shape, filled in once.
        var isConstant = false
    }

    let slots: ValueSlots
    let launches: [Program.Launch]
    /// The number of each among the program's launches.
    let order: [Int]
    /// Launches from here on write parameters in place; everything else, accumulators too, has run before.
    let firstUpdate: Int
    private(set) var lives: [Life]
    /// Arena slots of inputs, which are there before the first launch.
    private(set) var slotsDefinedBefore: [Int] = []
    /// Arena slots that each launch writes.
    private(set) var definitions: [[Int]]
    /// Arena slots not read after each launch.
    private(set) var releases: [[Int]]
    /// Updates that could not be written in place: copied at the end.
    private(set) var copiedUpdates: [Graph.Update] = []

    init(_ program: Program) {
        let graph = program.graph
        let slots = ValueSlots(graph)
        self.slots = slots
        lives = Array(repeating: Life(), count: slots.count)
        let inPlace = graph.inPlaceUpdates()
        let constants = program.launches.filter { graph[$0.node].isFixedConstant }.map(\.node)
        let running = program.launches.indices.filter { program.runs(program.launches[$0]) }
        func updates(_ index: Int) -> Bool { inPlace.contains(program.launches[index].node) }
        order = running.filter { !updates($0) } + running.filter(updates)
        launches = order.map { program.launches[$0] }
        firstUpdate = running.count { !updates($0) }
        definitions = Array(repeating: [], count: launches.count)
        releases = Array(repeating: [], count: launches.count)
        markOwners(graph, inPlace, constants)
        findLifetimes(program)
    }

    private mutating func markOwners(_ graph: Graph, _ inPlace: Set<NodeID>, _ constants: [NodeID]) {
        for id in graph.nodeIDs {
            if case .source(.parameter(let name, _, _)) = graph[id].op {
                lives[slots[Value(id)]].parameter = name
            } else if graph[id].isFixedConstant {
                lives[slots[Value(id)]].isConstant = true
            }
        }
        let accumulations = graph.accumulations()
        for update in graph.updates {
            guard case .source(.parameter(let name, _, _)) = graph[update.parameter.node].op else { continue }
            if inPlace.contains(update.value.node) || accumulations.contains(update.value) {
                lives[slots[update.value]].parameter = name
            } else {
                copiedUpdates.append(update)
            }
        }
    }

    private mutating func findLifetimes(_ program: Program) {
        let graph = program.graph
        var last: [Int: Int] = [:]
        func owns(_ slot: Int) -> Bool { lives[slot].parameter == nil && !lives[slot].isConstant }
        for id in graph.nodeIDs {
            if case .source(.input) = graph[id].op {
                let slot = slots[Value(id)]
                lives[slot].inArena = true
                slotsDefinedBefore.append(slot)
            }
        }
        for (index, launch) in launches.enumerated() {
            for case .value(let value) in launch.buffers {
                let slot = slots[program.storage(of: value)]
                guard owns(slot) else { continue }
                if value.node == launch.node, !lives[slot].inArena {
                    lives[slot].inArena = true
                    definitions[index].append(slot)
                }
                last[slot] = index
            }
        }
        let kept = Set(
            (graph.outputs.map(\.value) + copiedUpdates.map(\.value)).map { slots[program.storage(of: $0)] })
        for (slot, index) in last.sorted(by: { $0.key < $1.key }) where !kept.contains(slot) {
            releases[index].append(slot)
        }
    }
}

extension Schedule {
    /// How many launches must be done until a parameter has its new value; `Int.max` where it is copied there after all of them.
    func launchCount(completing parameter: String, of graph: Graph) -> Int {
        let update = graph.updates.first { update in
            if case .source(.parameter(parameter, _, _)) = graph[update.parameter.node].op {
                true
            } else {
                false
            }
        }
        guard let update, !copiedUpdates.contains(where: { $0.value == update.value }) else {
            return .max
        }
        return launches.lastIndex { $0.node == update.value.node }.map { $0 + 1 } ?? .max
    }
}

extension Program {
    /// The numbers of the program's launches in the order in which they run, and how many of them must be done until each of some
    /// parameters has its new value: `Int.max` where that is when the run ends.
    package func completion(of parameters: [String]) -> (order: [Int], counts: [Int]) {
        let schedule = Schedule(self)
        return (schedule.order, parameters.map { schedule.launchCount(completing: $0, of: graph) })
    }
}

extension Node {
    /// A constant whose shape does not depend on a symbol: filled once, not at every run.
    var isFixedConstant: Bool {
        guard case .source(.constant(_, let type)) = op else { return false }
        return type.extents([:]) != nil
    }
}
