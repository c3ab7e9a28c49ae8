import Foundation
import Synchronization

/// Ctrl-C as a question that a long computation asks when it is convenient. The second Ctrl-C ends the
/// process at once.
enum Interrupt {
    private static let flag = Atomic<Bool>(false)

    /// Whether Ctrl-C was pressed since `install`.
    static var isRequested: Bool { flag.load(ordering: .relaxed) }

    static func install() {
        // The handler may only do what is safe inside a signal: an atomic store and a system call.
        signal(SIGINT) { _ in
            Interrupt.flag.store(true, ordering: .relaxed)
            signal(SIGINT, SIG_DFL)
        }
        // Whoever started the process may have blocked the signal, and the mask is inherited.
        var mask = sigset_t()
        sigemptyset(&mask)
        sigaddset(&mask, SIGINT)
        pthread_sigmask(SIG_UNBLOCK, &mask, nil)
    }
}
