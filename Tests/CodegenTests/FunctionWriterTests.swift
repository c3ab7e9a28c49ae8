import KernelIR
import Target
import Testing

@testable import Codegen

/// The LLVM text of values and of what is done with them.
@Suite struct FunctionWriterTests {
    private func text(_ body: (inout FunctionWriter) -> Void) -> String {
        var w = FunctionWriter(symbols: ["tokens"], target: .avx2)
        body(&w)
        return w.text("f", [I64(parameter: "n")])
    }

    /// Constants, scalar and vector, with the types that LLVM gives them.
    @Test(arguments: [
        ("\(I64(-1))", "i64 -1"), ("\(I1(true))", "i1 true"), ("\(F32(-1))", "float 0xBFF0000000000000"),
        ("\(Pointer(parameter: "left"))", "ptr %left"), ("\(Pointer.null)", "ptr null"),
        ("\(Vector(repeating: F32(1), lanes: 8))", "<8 x float> splat (float 0x3FF0000000000000)"),
        ("\(Vector(repeating: F32(1), lanes: 1))", "float 0x3FF0000000000000"),
        ("\(Mask([true, false]))", "<2 x i1> <i1 true, i1 false>"),
        ("\(Vector<I16>.zero(lanes: 4))", "<4 x i16> zeroinitializer"), ("\(AnyVector(I32(7)))", "i32 7"),
    ])
    func valuesHaveTheirType(value: String, expected: String) { #expect(value == expected) }

    /// What constants make needless is not written.
    @Test func constantsFold() {
        let n = I64(parameter: "n")
        let lines = text { w in
            #expect(w.add(n, 0).text == "%n" && w.add(0, n).text == "%n" && w.sub(n, 0).text == "%n")
            #expect(w.mul(n, 1).text == "%n" && w.mul(n, 0).constant == 0 && w.min(n, n).text == "%n")
            #expect(w.roundUp(n, to: 1).text == "%n" && w.ceilDivide(7, 2).constant == 4)
            #expect(w.address(.null, .float, 0).text == "null" && w.extent(.fixed(3)).constant == 3)
            #expect(w.loop(from: 2, to: 2, by: 1, carrying: [n]) { _, _, _ in [0] }.map(\.text) == ["%n"])
        }
        #expect(lines == text { _ in })
    }

    /// Loops carry values in phis; extents and buffers are computed in the entry block.
    @Test func loopsAreInSSAForm() {
        let expected = """
            define void @f(i64 %n) "prefer-vector-width"="256" {
            entry:
              %v7 = getelementptr ptr, ptr %buffers, i64 0
              %v8 = load ptr, ptr %v7, align 8
              br label %start
            start:
              br label %head1
            head1:
              %v4 = phi i64 [ 0, %start ], [ %v12, %body2 ]
              %v5 = phi <4 x float> [ splat (float 0x0000000000000000), %start ], [ %v11, %body2 ]
              %v6 = icmp slt i64 %v4, %n
              br i1 %v6, label %body2, label %exit3
            body2:
              %v9 = getelementptr float, ptr %v8, i64 %v4
              %v10 = load <4 x float>, ptr %v9, align 4
              %v11 = fadd <4 x float> %v5, %v10
              %v12 = add i64 %v4, 4
              br label %head1
            exit3:
              store <4 x float> %v5, ptr %v8, align 4
              ret void
            }

            """
        let v = VectorWriter(lanes: 4)
        let written = text { w in
            let sums = w.loop(from: 0, to: I64(parameter: "n"), by: 4, carrying: [v.float(0)]) {
                w, index, sums in
                [w.fadd(sums[0], v.load(&w, F32.self, w.address(w.buffer(1), .float, index)))]
            }
            v.store(&w, sums[0], w.buffer(1))
        }
        #expect(written == expected)
    }
}
