#pragma once

/// Makes a file in memory that has no name in any directory, so that nothing is left of it when its processes have ended.
/// Returns its descriptor, or -1 with `errno`.
int bertc_memory_file(const char *label);
