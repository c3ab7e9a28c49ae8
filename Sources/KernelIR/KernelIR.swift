// KernelIR
