// LLVMBridge
