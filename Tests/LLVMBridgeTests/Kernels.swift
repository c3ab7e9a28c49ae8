import LLVMBridge
import Target

/// IR of small kernels with the signature of `KernelFunction.Entry`.
enum Kernels {
    /// Two functions for others to call: `twice.number` writes twice the number.
    static func callee(_ number: Int) -> String {
        """
        define i64 @number() {
          ret i64 \(number)
        }
        define void @twice.number(ptr %target) {
          %n = call i64 @number()
          %m = mul i64 %n, 2
          store i64 %m, ptr %target
          ret void
        }
        """
    }

    /// Lets `twice.number` of another object write to its first buffer.
    static let caller = """
        declare void @twice.number(ptr)
        define void @caller(ptr %buffers, ptr %dims, i64 %begin, i64 %end, ptr %scratch) {
          %a = load ptr, ptr %buffers
          call void @twice.number(ptr %a)
          ret void
        }
        """

    /// Buffers a, b, c of f32: task t writes `c = scale * a + b` for elements `[t * lanes, (t + 1) * lanes)`.
    /// The scale sits in a private constant, and `helper` is a private function, named alike in every object.
    static func vectorAdd(lanes: Int, scale: Float = 1, name: String = "vectorAdd") -> String {
        let vector = "<\(lanes) x float>"
        let bits = String(Double(scale).bitPattern, radix: 16)
        return """
            @scale = private unnamed_addr constant float 0x\(bits)
            define internal \(vector) @helper(\(vector) %a, \(vector) %b) noinline nounwind {
              %s = load float, ptr @scale
              %i = insertelement \(vector) poison, float %s, i64 0
              %v = shufflevector \(vector) %i, \(vector) poison, <\(lanes) x i32> zeroinitializer
              %m = fmul \(vector) %v, %a
              %r = fadd \(vector) %m, %b
              ret \(vector) %r
            }
            define void @\(name)(ptr %buffers, ptr %dims, i64 %begin, i64 %end, ptr %scratch) nounwind "prefer-vector-width"="512" {
            entry:
              %pb = getelementptr ptr, ptr %buffers, i64 1
              %pc = getelementptr ptr, ptr %buffers, i64 2
              %a = load ptr, ptr %buffers
              %b = load ptr, ptr %pb
              %c = load ptr, ptr %pc
              %any = icmp slt i64 %begin, %end
              br i1 %any, label %loop, label %done
            loop:
              %t = phi i64 [ %begin, %entry ], [ %next, %loop ]
              %e = mul i64 %t, \(lanes)
              %qa = getelementptr float, ptr %a, i64 %e
              %qb = getelementptr float, ptr %b, i64 %e
              %qc = getelementptr float, ptr %c, i64 %e
              %x = load \(vector), ptr %qa, align 4
              %y = load \(vector), ptr %qb, align 4
              %z = call \(vector) @helper(\(vector) %x, \(vector) %y)
              store \(vector) %z, ptr %qc, align 4
              %next = add i64 %t, 1
              %more = icmp slt i64 %next, %end
              br i1 %more, label %loop, label %done
            done:
              ret void
            }
            """
    }

    /// Fills dims[0] bytes of buffer 1 with copies of buffer 0, and of buffer 2 with 7, through the C library.
    static let copyAndFill = """
        declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
        declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
        define void @copyAndFill(ptr %buffers, ptr %dims, i64 %begin, i64 %end, ptr %scratch) nounwind {
          %n = load i64, ptr %dims
          %p1 = getelementptr ptr, ptr %buffers, i64 1
          %p2 = getelementptr ptr, ptr %buffers, i64 2
          %a = load ptr, ptr %buffers
          %b = load ptr, ptr %p1
          %c = load ptr, ptr %p2
          call void @llvm.memcpy.p0.p0.i64(ptr %b, ptr %a, i64 %n, i1 false)
          call void @llvm.memset.p0.i64(ptr %c, i8 7, i64 %n, i1 false)
          ret void
        }
        """

    /// A kernel that calls a function which no process has.
    static let unknownCallee = """
        declare void @noSuchFunctionAnywhere()
        define void @unknownCallee(ptr %b, ptr %d, i64 %begin, i64 %end, ptr %s) nounwind {
          call void @noSuchFunctionAnywhere()
          ret void
        }
        """

    /// Runs `kernel` as a vector add over `tasks` tasks of `lanes` elements; element i of a is i, of b 1000.
    static func runVectorAdd(_ kernel: KernelFunction, lanes: Int, tasks: Int) -> [Float] {
        var a = (0..<tasks * lanes).map(Float.init)
        var b = [Float](repeating: 1000, count: a.count)
        var c = [Float](repeating: -1, count: a.count)
        a.withUnsafeMutableBytes { a in
            b.withUnsafeMutableBytes { b in
                c.withUnsafeMutableBytes { c in
                    let buffers = [a.baseAddress, b.baseAddress, c.baseAddress]
                    let half = tasks / 2
                    kernel(buffers: buffers, dims: [], tasks: 0..<half)
                    kernel(buffers: buffers, dims: [], tasks: half..<tasks)
                }
            }
        }
        return c
    }
}
