import GraphIR
import KernelIR
import Target

/// Writes one LLVM function as text: fresh names, loops in SSA form, and an entry block that collects what does
/// not change (buffer pointers, extents), since no optimisation passes run afterwards.
struct FunctionWriter {
    /// The symbols of the kernel in the order of the `dims` array.
    let symbols: [String]
    /// What the code is for.
    let target: Target
    private var entry: [String] = []
    private var lines: [String] = []
    private var writesEntry = false
    private var counter = 0
    private var block = "start"
    private var extents: [Extent: I64] = [:]
    private var pointers: [Int: Pointer] = [:]
    /// The buffers whose pointers are loaded, in the order in which the kernel's table must have them: kernels that do the
    /// same with other buffers have the same text.
    private(set) var buffers: [Int] = []
    private var callees: [String: String] = [:]

    init(symbols: [String], target: Target) {
        self.symbols = symbols
        self.target = target
    }

    /// The text of the function: the entry block followed by what was written.
    /// - Parameters:
    ///   - parameters: values that were made with `init(parameter:)`.
    ///   - attributes: attributes beside those of all functions.
    func text(_ name: String, _ parameters: [any LLVMValue], attributes: String = "") -> String {
        let list = parameters.map(\.description).joined(separator: ", ")
        let width = "\"prefer-vector-width\"=\"\(target.lanes * 32)\""
        var result =
            "define void @\(name)(\(list)) \(attributes.isEmpty ? "" : attributes + " ")\(width) {\nentry:\n"
        for line in entry { result += "  \(line)\n" }
        result += "  br label %start\nstart:\n"
        for line in lines {
            // Labels stand at the margin.
            if line.utf8.last != UInt8(ascii: ":") { result += "  " }
            result += line
            result += "\n"
        }
        return result + "  ret void\n}\n"
    }

    /// Declarations of the functions that are called and that LLVM does not have itself.
    var declarations: String { callees.sorted { $0.key < $1.key }.map { "\($0.value)\n" }.joined() }

    // MARK: Instructions

    /// Notes a function that is called.
    mutating func declare(_ function: String, _ arguments: [any LLVMValue]) {
        guard !function.hasPrefix("llvm."), callees[function] == nil else { return }
        let types = arguments.map { "\($0.type)" }.joined(separator: ", ")
        callees[function] = "declare void @\(function)(\(types))"
    }

    private mutating func fresh() -> String {
        counter += 1
        return "%v\(counter)"
    }

    /// An instruction with a result.
    mutating func define<Value: LLVMValue>(_ type: LLVMType, _ instruction: String) -> Value {
        let name = fresh()
        perform("\(name) = \(instruction)")
        return Value(text: name, type: type)
    }

    /// An instruction without a result.
    mutating func perform(_ instruction: String) {
        if writesEntry {
            entry.append(instruction)
        } else {
            lines.append(instruction)
        }
    }

    /// Writes to the entry block, so that values are computed once; their operands must be entry values too.
    mutating func once<Value>(_ body: (inout FunctionWriter) -> Value) -> Value {
        let outer = writesEntry
        writesEntry = true
        defer { writesEntry = outer }
        return body(&self)
    }

    // MARK: Entry values

    /// The pointer of buffer `index`.
    mutating func buffer(_ index: Int) -> Pointer {
        if let known = pointers[index] { return known }
        let slot = buffers.count
        buffers.append(index)
        let pointer = once { w in
            w.load(Pointer.self, w.element(KernelParameters.buffers, .pointer, I64(slot)))
        }
        pointers[index] = pointer
        return pointer
    }

    /// Lets buffer `index` be at `pointer` from here on, which must reach every later use.
    mutating func bind(_ index: Int, to pointer: Pointer) { pointers[index] = pointer }

    /// An extent: a number, or computed in the entry block.
    mutating func extent(_ extent: Extent) -> I64 {
        if let fixed = extent.fixedValue { return I64(fixed) }
        if let known = extents[extent] { return known }
        var product = I64(extent.factor)
        for dimension in extent.symbols {
            guard let symbol = dimension.symbol, let index = symbols.firstIndex(of: symbol) else {
                preconditionFailure("extent \(extent) uses a symbol that the kernel does not list")
            }
            product = once { w in
                var factor = w.load(I64.self, w.element(KernelParameters.dims, .i64, I64(index)))
                factor = w.mul(factor, dimension.scale)
                factor = w.add(factor, dimension.offset)
                return w.mul(product, factor)
            }
        }
        extents[extent] = product
        return product
    }

    // MARK: Control flow

    private mutating func startBlock(_ label: String) {
        lines.append("\(label):")
        block = label
    }

    private mutating func freshLabel(_ hint: String) -> String {
        counter += 1
        return "\(hint)\(counter)"
    }

    /// `for i in stride(from:to:by:)`
    mutating func loop(
        from: I64, to: I64, by step: Int, _ body: (inout FunctionWriter, _ index: I64) -> Void
    ) {
        _ = loop(from: from, to: to, by: step, carrying: [I64]()) { w, index, _ in
            body(&w, index)
            return []
        }
    }

    /// `for i in stride(from:to:by:)` with values carried from one round to the next; `body` returns their next
    /// values. Returns the values after the last round.
    mutating func loop<Value: LLVMValue>(
        from: I64, to: I64, by step: Int, carrying initial: [Value],
        _ body: (inout FunctionWriter, _ index: I64, _ carried: [Value]) -> [Value]
    ) -> [Value] {
        if from.text == to.text, from.constant != nil { return initial }
        let (head, inside, exit) = (freshLabel("head"), freshLabel("body"), freshLabel("exit"))
        let before = block
        perform("br label %\(head)")
        startBlock(head)
        let index = I64(text: fresh())
        let carried = initial.map { Value(text: fresh(), type: $0.type) }
        let phiPlace = lines.count
        branch(compare(.slt, index, to), inside, exit)
        startBlock(inside)
        let next = body(&self, index, carried)
        precondition(
            next.map(\.type) == initial.map(\.type), "a loop body must return a value for each carried one")
        let nextIndex: I64 = define(index.type, "add \(index), \(step)")
        let latch = block
        perform("br label %\(head)")
        func phi(_ value: some LLVMValue, _ first: some LLVMValue, _ next: some LLVMValue) -> String {
            "\(value.text) = phi \(value.type) [ \(first.text), %\(before) ], [ \(next.text), %\(latch) ]"
        }
        let phis = initial.indices.map { phi(carried[$0], initial[$0], next[$0]) }
        lines.insert(contentsOf: [phi(index, from, nextIndex)] + phis, at: phiPlace)
        startBlock(exit)
        return carried
    }

    /// Runs `body` when `condition` holds.
    mutating func when(_ condition: I1, _ body: (inout FunctionWriter) -> Void) {
        let (inside, exit) = (freshLabel("then"), freshLabel("after"))
        branch(condition, inside, exit)
        startBlock(inside)
        body(&self)
        perform("br label %\(exit)")
        startBlock(exit)
    }

    /// Runs one of two bodies.
    mutating func when(
        _ condition: I1, _ body: (inout FunctionWriter) -> Void,
        otherwise: (inout FunctionWriter) -> Void
    ) {
        when(condition, body)
        when(not(condition), otherwise)
    }

    private mutating func branch(_ condition: I1, _ yes: String, _ no: String) {
        perform("br \(condition), label %\(yes), label %\(no)")
    }
}
