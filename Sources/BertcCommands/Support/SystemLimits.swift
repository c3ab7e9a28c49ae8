import Foundation

/// What limits that the system sets do to the process.
enum SystemLimits {
    /// glibc's M_ARENA_MAX.
    private static let mostArenas: Int32 = -8

    static func prepare() {
        // A file that reaches `ulimit -f` is then an error of `write`, which is reported, and the file is removed.
        signal(SIGXFSZ, SIG_IGN)
        var addresses = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &addresses) == 0,
            addresses.rlim_cur != rlim_t.max, let symbol = dlsym(nil, "mallopt")
        else { return }
        // Each thread would ask for 128 MB of addresses of its own, and where there are none, again with each piece of
        // memory that it takes: many times slower. The header that declares the function is not in the Glibc module.
        let mallopt = unsafeBitCast(symbol, to: (@convention(c) (Int32, Int32) -> Int32).self)
        _ = mallopt(mostArenas, 1)
    }
}
