#pragma once

/// Allocations (malloc, calloc, realloc, aligned_alloc, posix_memalign) of all threads of this process so far; -1 under
/// a sanitizer, which has an allocator of its own.
long allocationCount(void);
