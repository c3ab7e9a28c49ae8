#define _GNU_SOURCE
#include "CMemoryFile.h"

#include <sys/mman.h>

int bertc_memory_file(const char *label) { return memfd_create(label, MFD_CLOEXEC); }
