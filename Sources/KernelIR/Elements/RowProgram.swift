import GraphIR

/// What is computed for every element of a row, and once a row.
///
/// The generator cuts the program into passes over the columns: a reduction of pass p can be used from pass
/// p + 1 on. What a later pass needs is loaded again when an earlier pass stored it, else computed again.
package struct RowProgram: Hashable, Sendable {
    package enum Store: Hashable, Sendable {
        case element(Access, ElementID)
        /// Adds up the rows of one task, column by column, into row `task` of a `[tasks, columns]` f32 buffer.
        case columnSum(buffer: Int, ElementID)
        /// Adds up all elements of one task into element `task` of an f32 buffer.
        case total(buffer: Int, ElementID)
    }

    package var columns: Extent
    package var ops: [ElementOp]
    package var stores: [Store]

    package init(columns: Extent, ops: [ElementOp], stores: [Store]) {
        self.columns = columns
        self.ops = ops
        self.stores = stores
    }
}

extension RowProgram {
    /// Operations for each element.
    var flopCount: Int {
        ops.count { op in
            switch op {
            case .unary, .binary, .compare, .select, .reduce: true
            case .load, .constant, .column, .row, .extent, .cast, .keep, .stochasticRound: false
            }
        }
    }
}

extension RowProgram {
    /// What one lane's instructions for an element take, in the time of multiply-adds.
    var instructionCount: Int {
        let stored = stores.reduce(0) { sum, store in
            if case .columnSum = store { sum + 2 } else { sum + 1 }
        }
        return ops.reduce(stored) { $0 + $1.instructionCount }
    }
}

extension ElementOp {
    /// What one lane's instructions take, in the time of multiply-adds; functions as `MathFunctions` writes them.
    fileprivate var instructionCount: Int {
        switch self {
        case .constant, .column, .row, .extent: 0
        case .load, .cast, .compare, .select, .reduce: 1
        case .unary(let function, _):
            switch function {
            case .neg, .abs, .sign, .not: 1
            case .sqrt: 6
            case .exp, .sin, .cos: 12
            case .erf, .tanh: 16
            case .log: 20
            }
        case .binary(let function, _, _):
            switch function {
            case .add, .sub, .mul, .max, .min, .and, .or: 1
            case .div: 5
            case .pow: 40
            }
        // One call of the generator serves four vectors.
        case .keep: 11
        // One serves eight, and both moments of an optimiser.
        case .stochasticRound: 6
        }
    }
}

extension RowProgram {
    /// A line an operation and a store.
    func lines(indent: String) -> String {
        var text = ops.lines(indent: indent)
        for store in stores {
            switch store {
            case .element(let access, let id): text += "\(indent)\(access) = e\(id)\n"
            case .columnSum(let buffer, let id): text += "\(indent)b\(buffer)[task, column] += e\(id)\n"
            case .total(let buffer, let id): text += "\(indent)b\(buffer)[task] += e\(id)\n"
            }
        }
        return text
    }
}
