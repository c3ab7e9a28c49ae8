// The handler of SIGILL: decodes tile instructions, has them executed, and goes on behind them.
#define _GNU_SOURCE
#include "TileEmulator.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "tiles.h"

static struct sigaction previous;

static _Thread_local tile_counts counts;

#define COUNT(what, by) (counts.what += (by))

tile_counts tile_emulator_take_counts(void) {
    tile_counts taken = counts;
    memset(&counts, 0, sizeof counts);
    return taken;
}

/// Numbers of general registers in instructions, as places in `gregs`.
static const int general_registers[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

/// The prefix of two bits that VEX carries.
enum { PREFIX_NONE, PREFIX_66, PREFIX_F3, PREFIX_F2 };

/// VEX.128.0F38.W0 with its operands. Register numbers have four bits: tiles above 7 do not exist.
typedef struct {
    unsigned prefix;
    unsigned opcode;
    /// ModRM.mod == 3.
    int is_register;
    unsigned reg, rm, vvvv;
    int has_index_byte;
    tile_memory memory;
    const uint8_t *end;
} instruction;

static int32_t displacement(const uint8_t **at, int bytes) {
    int32_t value = 0;
    if (bytes == 1) value = *(const int8_t *)*at;
    if (bytes == 4) memcpy(&value, *at, sizeof value);
    *at += bytes;
    return value;
}

/// Reads the memory operand behind ModRM. The scaled index is no part of the address: it is the stride.
static void decode_memory(instruction *i, unsigned mod, int index_high, int base_high, const greg_t *registers) {
    int64_t base = 0, index = 0;
    int bytes = mod == 1 ? 1 : mod == 2 ? 4 : 0;
    int is_relative = 0;
    i->has_index_byte = (i->rm & 7) == 4;
    if (i->has_index_byte) {
        unsigned sib = *i->end++;
        unsigned base_number = sib & 7, index_number = ((sib >> 3) & 7) | index_high;
        if (base_number == 5 && mod == 0)
            bytes = 4;
        else
            base = registers[general_registers[base_number | base_high]];
        if (index_number != 4) index = registers[general_registers[index_number]] * (1 << (sib >> 6));
    } else if ((i->rm & 7) == 5 && mod == 0) {
        bytes = 4;
        is_relative = 1;
    } else {
        base = registers[general_registers[i->rm]];
    }
    base += displacement(&i->end, bytes);
    if (is_relative) base += (int64_t)i->end;
    i->memory = (tile_memory){.base = (uint8_t *)base, .stride = index};
}

/// 0 when the code at `at` is not VEX.128.0F38.W0.
static int decode(const uint8_t *at, const greg_t *registers, instruction *i) {
    if (at[0] != 0xC4) return 0;
    // Bits R, X, B and vvvv are stored inverted.
    unsigned first = at[1] ^ 0xE0, second = at[2] ^ 0x78;
    if ((first & 0x1F) != 2 || (second & 0x84) != 0) return 0;
    unsigned modrm = at[4], mod = modrm >> 6;
    int reg_high = first >> 4 & 8, index_high = first >> 3 & 8, base_high = first >> 2 & 8;
    *i = (instruction){
        .prefix = second & 3,
        .opcode = at[3],
        .is_register = mod == 3,
        .reg = (modrm >> 3 & 7) | reg_high,
        .rm = (modrm & 7) | base_high,
        .vvvv = second >> 3 & 15,
        .end = at + 5,
    };
    if (!i->is_register) decode_memory(i, mod, index_high, base_high, registers);
    return 1;
}

/// 0 when it is none of the tile instructions.
static int execute(const instruction *i) {
    if (i->opcode == 0x5C) {
        if (i->prefix != PREFIX_F3 || !i->is_register) return 0;
        tile_dot_bf16(i->reg, i->rm, i->vvvv);
        COUNT(products, 1);
        COUNT(flops, tile_dot_flops(i->reg, i->rm));
        return 1;
    }
    if (i->vvvv != 0) return 0;
    if (i->opcode == 0x4B) {
        if (i->is_register || !i->has_index_byte) return 0;
        if (i->prefix == PREFIX_F2 || i->prefix == PREFIX_66) {
            tile_load(i->reg, i->memory);
            if (i->prefix == PREFIX_66)
                COUNT(panel_loads, 1);
            else
                COUNT(loads, 1);
            COUNT(bytes_loaded, tile_bytes(i->reg));
        } else if (i->prefix == PREFIX_F3) {
            tile_store(i->reg, i->memory);
            COUNT(stores, 1);
            COUNT(bytes_stored, tile_bytes(i->reg));
        } else {
            return 0;
        }
        return 1;
    }
    if (i->opcode != 0x49) return 0;
    if (i->is_register) {
        if (i->rm != 0) return 0;
        if (i->prefix == PREFIX_F2) {
            tile_zero(i->reg);
            COUNT(zeros, 1);
        } else if (i->prefix == PREFIX_NONE && i->reg == 0)
            tiles_release();
        else
            return 0;
        return 1;
    }
    if (i->reg != 0) return 0;
    // An index is a part of the address of a configuration.
    uint8_t *address = i->memory.base + i->memory.stride;
    if (i->prefix == PREFIX_NONE) {
        tiles_configure(address);
        COUNT(configurations, 1);
    } else if (i->prefix == PREFIX_66)
        tiles_store_configuration(address);
    else
        return 0;
    return 1;
}

static void handle(int signal, siginfo_t *information, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    instruction i;
    if (decode((const uint8_t *)registers[REG_RIP], registers, &i) && execute(&i)) {
        registers[REG_RIP] = (greg_t)i.end;
    } else if (previous.sa_flags & SA_SIGINFO) {
        previous.sa_sigaction(signal, information, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(signal);
    } else {
        // The instruction runs again, with nobody to catch it.
        sigaction(SIGILL, &previous, NULL);
    }
}

static void install(void) {
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaction(SIGILL, &action, &previous);
}

void tile_emulator_install(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}
