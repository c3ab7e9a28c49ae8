#ifndef TILE_EMULATOR_H
#define TILE_EMULATOR_H

/// Lets code with AMX tile instructions run on a processor without them: from the first call on, LDTILECFG,
/// STTILECFG, TILERELEASE, TILEZERO, TILELOADD, TILELOADDT1, TILESTORED and TDPBF16PS are executed by a
/// handler of SIGILL, on tile registers that each thread has for itself. Any other illegal instruction goes
/// to the handler that was there before.
///
/// What the processor would refuse (no tiles configured, shapes that do not fit, a bad configuration) ends
/// the process with a line on standard error. Needs AVX2 and FMA. Harmless on a processor with AMX: it never
/// asks.
void tile_emulator_install(void);

/// Tile instructions that a thread had executed by the emulator.
typedef struct {
    /// TILELOADD, which reads left operands and sums.
    long loads;
    /// TILELOADDT1, which reads panels.
    long panel_loads;
    long stores, zeros, products, configurations;
    /// Bytes that loads have read, and that stores have written.
    long bytes_loaded, bytes_stored;
    /// Multiplications and additions of products.
    long flops;
} tile_counts;

/// What the calling thread had executed since its last call.
tile_counts tile_emulator_take_counts(void);

#endif
