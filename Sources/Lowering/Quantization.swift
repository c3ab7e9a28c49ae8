import GraphIR
import KernelIR

extension RowBuilder {
    mutating func quantization(_ op: Op.Quantization, _ x: [Value]) throws(Stop) -> [ElementID] {
        switch op {
        case .quantize:
            let number = try operand(x[0])
            let greatest = program.max(program.unary(.abs, number))
            let scale = program.binary(
                .max, program.multiplying(greatest, program.constant(Double(Float(1) / 127))),
                program.constant(Double(Float.leastNormalMagnitude)))
            let inverse = program.dividing(program.constant(1), scale)
            return [program.cast(program.multiplying(number, inverse), .i8), scale]
        case .dequantize:
            let sum = program.cast(try operand(x[0]), .f32)
            let scaled = program.multiplying(sum, try operand(x[1], .row))
            return [program.multiplying(scaled, try operand(x[2]))]
        }
    }
}
