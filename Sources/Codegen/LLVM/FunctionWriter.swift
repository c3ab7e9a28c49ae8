import GraphIR
import KernelIR

/// Writes one LLVM function as text: fresh names, loops in SSA form, and an entry block that collects what does
/// not change (buffer pointers, extents), since no optimisation passes run afterwards.
struct FunctionWriter {
    /// The symbols of the kernel in the order of the `dims` array.
    let symbols: [String]
    /// How bf16 is rounded to and multiplied.
    let bf16: BF16Unit
    private var entry: [String] = []
    private var lines: [String] = []
    private var counter = 0
    private var block = "start"
    private var extents: [Extent: String] = [:]
    private var pointers: [Int: String] = [:]

    init(symbols: [String], bf16: BF16Unit) {
        self.symbols = symbols
        self.bf16 = bf16
    }

    /// The function's text: the entry block followed by what was written.
    func text(_ head: String) -> String {
        var result = "define \(head) {\nentry:\n"
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

    // MARK: Instructions

    mutating func fresh() -> String {
        counter += 1
        return "%v\(counter)"
    }

    /// `%v = text`
    mutating func value(_ text: String) -> String {
        let name = fresh()
        lines.append("\(name) = \(text)")
        return name
    }

    mutating func line(_ text: String) { lines.append(text) }

    /// A value computed once, in the entry block; its operands must be entry values too.
    mutating func entryValue(_ text: String) -> String {
        let name = fresh()
        entry.append("\(name) = \(text)")
        return name
    }

    mutating func add(_ a: String, _ b: String) -> String {
        if a == "0" { return b }
        return b == "0" ? a : value("add i64 \(a), \(b)")
    }

    mutating func sub(_ a: String, _ b: String) -> String { b == "0" ? a : value("sub i64 \(a), \(b)") }

    mutating func mul(_ a: String, _ b: String) -> String {
        if a == "0" || b == "0" { return "0" }
        if a == "1" { return b }
        return b == "1" ? a : value("mul i64 \(a), \(b)")
    }

    mutating func min(_ a: String, _ b: String) -> String {
        a == b ? a : value("call i64 @llvm.smin.i64(i64 \(a), i64 \(b))")
    }

    mutating func max(_ a: String, _ b: String) -> String {
        a == b ? a : value("call i64 @llvm.smax.i64(i64 \(a), i64 \(b))")
    }

    /// `(a + b - 1) / b` of a non-negative `a` and a constant `b`.
    mutating func ceilDivide(_ a: String, _ b: Int) -> String {
        if let number = Int(a) { return "\((number + b - 1) / b)" }
        return value("udiv i64 \(add(a, "\(b - 1)")), \(b)")
    }

    /// The next multiple of `step`.
    mutating func roundUp(_ a: String, to step: Int) -> String {
        step == 1 ? a : mul(ceilDivide(a, step), "\(step)")
    }

    /// The address of element `index` of `type`.
    mutating func address(_ base: String, _ type: String, _ index: String) -> String {
        index == "0" ? base : value("getelementptr \(type), ptr \(base), i64 \(index)")
    }

    // MARK: Entry values

    /// The pointer of buffer `index`.
    mutating func buffer(_ index: Int) -> String {
        if let known = pointers[index] { return known }
        let slot = entryValue("getelementptr ptr, ptr %buffers, i64 \(index)")
        let pointer = entryValue("load ptr, ptr \(slot), align 8")
        pointers[index] = pointer
        return pointer
    }

    /// Lets buffer `index` be at `pointer` from here on, which must reach every later use.
    mutating func bind(_ index: Int, to pointer: String) { pointers[index] = pointer }

    /// An extent as an i64: a number, or computed in the entry block.
    mutating func extent(_ extent: Extent) -> String {
        if let fixed = extent.fixedValue { return "\(fixed)" }
        if let known = extents[extent] { return known }
        var product = "\(extent.factor)"
        for dimension in extent.symbols {
            guard let symbol = dimension.symbol, let index = symbols.firstIndex(of: symbol) else {
                preconditionFailure("extent \(extent) uses a symbol that the kernel does not list")
            }
            let slot = entryValue("getelementptr i64, ptr %dims, i64 \(index)")
            var factor = entryValue("load i64, ptr \(slot), align 8")
            if dimension.scale != 1 { factor = entryValue("mul i64 \(factor), \(dimension.scale)") }
            if dimension.offset != 0 { factor = entryValue("add i64 \(factor), \(dimension.offset)") }
            product = product == "1" ? factor : entryValue("mul i64 \(product), \(factor)")
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

    /// `for i in stride(from:to:by:)` with values carried from one round to the next; `body` returns their next
    /// values. Returns the values after the last round.
    @discardableResult
    mutating func loop(
        from: String, to: String, by step: Int, carrying carried: [(type: String, initial: String)] = [],
        _ body: (inout FunctionWriter, _ index: String, _ carried: [String]) -> [String]
    ) -> [String] {
        if from == to, Int(from) != nil { return carried.map(\.initial) }
        let (head, inside, exit) = (freshLabel("head"), freshLabel("body"), freshLabel("exit"))
        let before = block
        lines.append("br label %\(head)")
        startBlock(head)
        let index = fresh()
        let names = carried.map { _ in fresh() }
        let phiPlace = lines.count
        let goes = value("icmp slt i64 \(index), \(to)")
        lines.append("br i1 \(goes), label %\(inside), label %\(exit)")
        startBlock(inside)
        let next = body(&self, index, names)
        precondition(next.count == carried.count, "a loop body must return a value for each carried one")
        let nextIndex = value("add i64 \(index), \(step)")
        let latch = block
        lines.append("br label %\(head)")
        var phis = ["\(index) = phi i64 [ \(from), %\(before) ], [ \(nextIndex), %\(latch) ]"]
        for (slot, name) in names.enumerated() {
            phis.append(
                "\(name) = phi \(carried[slot].type) [ \(carried[slot].initial), %\(before) ], [ \(next[slot]), %\(latch) ]"
            )
        }
        lines.insert(contentsOf: phis, at: phiPlace)
        startBlock(exit)
        return names
    }

    /// Runs `body` when `condition` (i1) holds.
    mutating func when(_ condition: String, _ body: (inout FunctionWriter) -> Void) {
        let (inside, exit) = (freshLabel("then"), freshLabel("after"))
        lines.append("br i1 \(condition), label %\(inside), label %\(exit)")
        startBlock(inside)
        body(&self)
        lines.append("br label %\(exit)")
        startBlock(exit)
    }
}

/// Text of a float constant: LLVM writes floats as the bits of the double with the same value.
func floatConstant(_ value: Double) -> String {
    let bits = String(Double(Float(value)).bitPattern, radix: 16, uppercase: true)
    return "0x" + String(repeating: "0", count: 16 - bits.count) + bits
}
