import Foundation
import Support
import Synchronization

/// What SIGINT (Ctrl-C), SIGTERM and SIGHUP do: end the process at once, without partial files; or, when a command
/// lets a step finish, answer a question that it asks when it is convenient. Then the second signal ends it at once.
enum Interrupt {
    private static let signals = [SIGINT, SIGTERM, SIGHUP]
    private static let requested = Atomic<Int32>(0)
    private static let waits = Atomic<Bool>(false)

    /// The signal that came since `letStepsFinish`, if one did.
    static var number: Int32? {
        let number = requested.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    /// Whether one came.
    static var isRequested: Bool { number != nil }

    /// For every command: signals that whoever started the process has ignored, as `nohup` does, stay so.
    static func install() {
        PartialFiles.prepare()
        for number in signals {
            var action = sigaction()
            sigaction(number, nil, &action)
            if action.__sigaction_handler.sa_handler == nil { handle(number) }
        }
    }

    /// From now on the first signal is a question.
    static func letStepsFinish() {
        waits.store(true, ordering: .relaxed)
        // A shell lets its background jobs ignore Ctrl-C at its terminal, but not the signal that somebody sends to one.
        handle(SIGINT)
        // Whoever started the process may have blocked the signals, and the mask is inherited.
        var mask = sigset_t()
        sigemptyset(&mask)
        for number in signals { sigaddset(&mask, number) }
        pthread_sigmask(SIG_UNBLOCK, &mask, nil)
    }

    private static func handle(_ number: Int32) {
        // The handler may only do what is safe inside a signal: atomic stores and system calls.
        signal(number) { number in
            if Interrupt.waits.exchange(false, ordering: .relaxed) {
                Interrupt.requested.store(number, ordering: .relaxed)
            } else {
                PartialFiles.removeAll()
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }
}

extension ExitStatus {
    /// The status of a command that a signal has ended, as shells give it: 128 and the signal's number.
    static var interruption: ExitStatus {
        Interrupt.number.flatMap { ExitStatus(rawValue: 128 + $0) } ?? .interrupted
    }
}
