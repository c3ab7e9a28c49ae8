#include "tiles.h"

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    unsigned rows;
    unsigned row_bytes;
    uint8_t data[TILE_ROWS][TILE_ROW_BYTES];
} tile_register;

// Zero at first: not configured.
static _Thread_local struct {
    int is_configured;
    uint8_t configuration[CONFIGURATION_BYTES];
    tile_register tiles[TILE_COUNT];
} state;

/// Ends the process unless `holds`; called in a signal handler.
static void require(int holds, const char *message) {
    if (holds) return;
    const char head[] = "tile emulator: ";
    (void)!write(STDERR_FILENO, head, sizeof head - 1);
    (void)!write(STDERR_FILENO, message, strlen(message));
    (void)!write(STDERR_FILENO, "\n", 1);
    abort();
}

static tile_register *checked(unsigned tile) {
    require(state.is_configured, "no tiles are configured");
    require(tile < TILE_COUNT, "there is no such tile");
    require(state.tiles[tile].rows > 0, "the tile has no shape in this configuration");
    return &state.tiles[tile];
}

// MARK: Configuration

// Byte 0 is the palette, 1 the row to begin at; 16 on the bytes of a row of each tile, two bytes a tile; 48
// on the rows, one byte a tile. Everything else is reserved.
void tiles_configure(const uint8_t *configuration) {
    if (configuration[0] == 0) return tiles_release();
    require(configuration[0] == 1, "LDTILECFG: the palette is neither 0 nor 1");
    require(configuration[1] == 0, "LDTILECFG: a row to begin at, which the emulator does not have");
    for (int i = 2; i < CONFIGURATION_BYTES; i++) {
        int is_shape = (i >= 16 && i < 16 + 2 * TILE_COUNT) || (i >= 48 && i < 48 + TILE_COUNT);
        require(is_shape || configuration[i] == 0, "LDTILECFG: a reserved byte is not zero");
    }
    memset(&state, 0, sizeof state);
    for (int i = 0; i < TILE_COUNT; i++) {
        tile_register *tile = &state.tiles[i];
        tile->row_bytes = configuration[16 + 2 * i] + 256u * configuration[17 + 2 * i];
        tile->rows = configuration[48 + i];
        require(tile->rows <= TILE_ROWS, "LDTILECFG: a tile of more than 16 rows");
        require(tile->row_bytes <= TILE_ROW_BYTES, "LDTILECFG: a tile with rows of more than 64 bytes");
        require((tile->rows == 0) == (tile->row_bytes == 0), "LDTILECFG: a tile with only one size zero");
    }
    memcpy(state.configuration, configuration, CONFIGURATION_BYTES);
    state.is_configured = 1;
}

void tiles_store_configuration(uint8_t *configuration) {
    memcpy(configuration, state.configuration, CONFIGURATION_BYTES);
}

void tiles_release(void) { memset(&state, 0, sizeof state); }

// MARK: Memory

void tile_zero(unsigned number) {
    tile_register *tile = checked(number);
    memset(tile->data, 0, sizeof tile->data);
}

void tile_load(unsigned number, tile_memory memory) {
    tile_register *tile = checked(number);
    memset(tile->data, 0, sizeof tile->data);
    for (unsigned row = 0; row < tile->rows; row++)
        memcpy(tile->data[row], memory.base + (ptrdiff_t)row * memory.stride, tile->row_bytes);
}

void tile_store(unsigned number, tile_memory memory) {
    const tile_register *tile = checked(number);
    for (unsigned row = 0; row < tile->rows; row++)
        memcpy(memory.base + (ptrdiff_t)row * memory.stride, tile->data[row], tile->row_bytes);
}

// MARK: Product

typedef float floats __attribute__((vector_size(TILE_ROW_BYTES)));
typedef uint32_t words __attribute__((vector_size(TILE_ROW_BYTES)));

static const uint32_t odd_places = 0xFFFF0000;

/// For each row of `sum`: fused multiply-adds from zero along the depth, one chain for the even and one for
/// the odd places; then sum + (even + odd). Denormals are zero, coming in and going out.
__attribute__((noinline, target("avx2,fma"))) static void multiply(
    tile_register *sum, const tile_register *left, const tile_register *right) {
    for (unsigned row = 0; row < sum->rows; row++) {
        floats evens = {0}, odds = {0}, total;
        for (unsigned k = 0; k < left->row_bytes / 4; k++) {
            words a, b;
            uint32_t pair;
            memcpy(&pair, &left->data[row][4 * k], sizeof pair);
            memcpy(&b, right->data[k], sizeof b);
            a = (words){0} + pair;
            // bf16 is the high half of f32; the even places are the low halves of pairs.
            evens = __builtin_elementwise_fma((floats)(a << 16), (floats)(b << 16), evens);
            odds = __builtin_elementwise_fma((floats)(a & odd_places), (floats)(b & odd_places), odds);
        }
        memcpy(&total, sum->data[row], sizeof total);
        total += evens + odds;
        memcpy(sum->data[row], &total, sum->row_bytes);
    }
}

void tile_dot_bf16(unsigned sum_number, unsigned left_number, unsigned right_number) {
    tile_register *sum = checked(sum_number);
    const tile_register *left = checked(left_number), *right = checked(right_number);
    require(sum != left && sum != right && left != right, "TDPBF16PS: two operands are the same tile");
    require(
        sum->row_bytes % 4 == 0 && left->row_bytes % 4 == 0 && right->row_bytes % 4 == 0,
        "TDPBF16PS: a row is no multiple of 4 bytes");
    require(sum->rows == left->rows, "TDPBF16PS: the sum and the left operand differ in rows");
    require(sum->row_bytes == right->row_bytes, "TDPBF16PS: the sum and the right operand differ in row bytes");
    require(left->row_bytes / 4 == right->rows, "TDPBF16PS: left pairs and right rows differ");
    // To nearest, denormals are zero, no exceptions: whatever the program has set.
    unsigned control = _mm_getcsr();
    _mm_setcsr(0x9FC0);
    multiply(sum, left, right);
    _mm_setcsr(control);
}

// MARK: Counts

long tile_bytes(unsigned tile) { return (long)state.tiles[tile].rows * state.tiles[tile].row_bytes; }

long tile_dot_flops(unsigned sum, unsigned left) {
    return 2L * state.tiles[sum].rows * (state.tiles[sum].row_bytes / 4) * (state.tiles[left].row_bytes / 2);
}
