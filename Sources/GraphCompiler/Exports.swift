// Clients of the compiler build graphs and hold tensors: one import serves both.
@_exported import Autodiff
@_exported import Collectives
@_exported import GraphIR
@_exported import KernelIR
@_exported import Roofline
@_exported import Runtime
@_exported import Transforms
