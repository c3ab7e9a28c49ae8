import CLLVM
import Foundation
import Target

/// What LLVM knows about the machine that this process runs on, read once.
struct HostCPU: Sendable {
    /// LLVM's name, such as `sapphirerapids`.
    let name: String
    /// The target triple of the process, such as `x86_64-pc-linux-gnu`.
    let triple: String
    /// Feature names with their state, sorted by name.
    let features: [Feature]

    /// One entry of LLVM's feature string.
    struct Feature: Hashable, Sendable {
        let name: String
        let isEnabled: Bool
    }

    static let current = HostCPU()

    private init() {
        name = takeString(LLVMGetHostCPUName())
        triple = takeString(LLVMGetDefaultTargetTriple())
        features = takeString(LLVMGetHostCPUFeatures()).split(separator: ",")
            .map { Feature(name: String($0.dropFirst()), isEnabled: $0.hasPrefix("+")) }
            .sorted { $0.name < $1.name }
    }

    /// That of the triple; the first one where bertc knows none, whose features are not there then.
    var architecture: Architecture {
        Architecture.allCases.first { triple.hasPrefix($0.rawValue) } ?? .allCases[0]
    }

    /// The strongest level of the process's architecture whose features are all present, and where it has tiles also
    /// granted by the kernel.
    var target: Target? {
        let present = Set(features.filter(\.isEnabled).map(\.name))
        return architecture.levels.last { level in
            level.requiredFeatures.allSatisfy(present.contains)
                && (level.units.bf16 != .tiles || requestTileRegisters())
        }?.with(.host)
    }
}

/// Asks Linux for the AMX tile registers, for all threads of this process. Without it, the first
/// tile instruction ends the process with SIGILL. False if the kernel refuses or is too old.
private func requestTileRegisters() -> Bool {
    typealias SystemCall = @convention(c) (Int, Int, Int) -> Int
    // `syscall` is variadic in C and so is not imported; it reads integer registers only.
    guard let address = dlsym(UnsafeMutableRawPointer(bitPattern: 0), "syscall") else { return false }
    let archPrctl = 158
    let requestPermission = 0x1023
    let tileData = 18
    return unsafeBitCast(address, to: SystemCall.self)(archPrctl, requestPermission, tileData) == 0
}
