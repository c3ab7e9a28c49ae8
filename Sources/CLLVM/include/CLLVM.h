#pragma once
// LLVM 19's C API. `llvm-c` and `llvm` beside this file are symbolic links into
// /usr/lib/llvm-19/include, so that `swift build` needs no flags or environment variables.
#if !__has_include("llvm-c/Core.h")
#error "LLVM 19 headers not found: run 'apt-get install llvm-19-dev' (or 'make setup')"
#endif
#include "llvm-c/Analysis.h"
#include "llvm-c/Core.h"
#include "llvm-c/Error.h"
#include "llvm-c/IRReader.h"
#include "llvm-c/LLJIT.h"
#include "llvm-c/Orc.h"
#include "llvm-c/Target.h"
#include "llvm-c/TargetMachine.h"
#include "llvm-c/Transforms/PassBuilder.h"
