// The tile registers of a thread and the instructions on them, as in Intel's Software Developer's Manual.
#ifndef TILES_H
#define TILES_H

#include <stddef.h>
#include <stdint.h>

enum { TILE_COUNT = 8, TILE_ROWS = 16, TILE_ROW_BYTES = 64, CONFIGURATION_BYTES = 64 };

/// Rows of a tile in memory: row r begins at base + r * stride.
typedef struct {
    uint8_t *base;
    ptrdiff_t stride;
} tile_memory;

void tiles_configure(const uint8_t *configuration);
void tiles_store_configuration(uint8_t *configuration);
void tiles_release(void);
void tile_zero(unsigned tile);
void tile_load(unsigned tile, tile_memory memory);
void tile_store(unsigned tile, tile_memory memory);
/// Bytes of a tile as it is configured.
long tile_bytes(unsigned tile);
/// Multiplications and additions of a product of tiles as they are configured.
long tile_dot_flops(unsigned sum, unsigned left);
/// sum += left x right, for pairs of bf16.
void tile_dot_bf16(unsigned sum, unsigned left, unsigned right);

#endif
