import CLLVM
import Target

/// Facts about the LLVM library in use, and its one-time set-up.
package enum LLVM {
    /// The version of the loaded library, such as `19.1.7`: a part of every cache key.
    package static let version: String = {
        var major: UInt32 = 0
        var minor: UInt32 = 0
        var patch: UInt32 = 0
        LLVMGetVersion(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }()

    /// Registers the x86 back end; touch it before the first use of a target.
    static let registerTargets: Void = {
        for architecture in Architecture.allCases {
            switch architecture {
            case .x86:
                LLVMInitializeX86TargetInfo()
                LLVMInitializeX86Target()
                LLVMInitializeX86TargetMC()
                LLVMInitializeX86AsmPrinter()
                LLVMInitializeX86AsmParser()
            }
        }
    }()
}

/// Copies a C string that LLVM allocated, and frees the original.
func takeString(_ message: UnsafeMutablePointer<CChar>?) -> String {
    guard let message else { return "" }
    defer { LLVMDisposeMessage(message) }
    return String(cString: message)
}

/// The text of an LLVM error, or nil for success. Consumes the error.
func takeMessage(_ error: LLVMErrorRef?) -> String? {
    guard let error else { return nil }
    guard let message = LLVMGetErrorMessage(error) else { return "unknown LLVM error" }
    defer { LLVMDisposeErrorMessage(message) }
    return String(cString: message)
}

/// LLVM's message as one line: line ends and runs of spaces become single spaces.
func oneLine(_ message: String) -> String {
    message.split(whereSeparator: \.isWhitespace).joined(separator: " ")
}
