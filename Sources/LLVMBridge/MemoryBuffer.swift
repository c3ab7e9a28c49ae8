import CLLVM

/// Owner of a block of bytes on LLVM's side.
struct MemoryBuffer: ~Copyable {
    private let reference: LLVMMemoryBufferRef

    /// Takes over a buffer that LLVM returned.
    init(adopting reference: LLVMMemoryBufferRef) { self.reference = reference }

    /// A copy of `text`; `name` shows in parse errors.
    init(text: String, name: String) {
        var text = text
        reference = text.withUTF8 { utf8 in
            utf8.withMemoryRebound(to: CChar.self) {
                LLVMCreateMemoryBufferWithMemoryRangeCopy($0.baseAddress, $0.count, name)
            }
        }
    }

    /// A copy of an object's bytes.
    init(_ object: ObjectCode, name: String) {
        reference = object.bytes.withUnsafeBytes {
            let bytes = $0.bindMemory(to: CChar.self)
            return LLVMCreateMemoryBufferWithMemoryRangeCopy(bytes.baseAddress, bytes.count, name)
        }
    }

    /// The contents, copied out.
    var bytes: [UInt8] {
        let start = UnsafeRawPointer(LLVMGetBufferStart(reference))
        return [UInt8](UnsafeRawBufferPointer(start: start, count: LLVMGetBufferSize(reference)))
    }

    /// Gives the buffer to an LLVM function that takes ownership.
    consuming func release() -> LLVMMemoryBufferRef {
        let reference = reference
        discard self
        return reference
    }

    deinit { LLVMDisposeMemoryBuffer(reference) }
}
