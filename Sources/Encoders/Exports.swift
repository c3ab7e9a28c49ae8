// Clients build graphs of encoders and catch the errors of their files: one import serves both.
@_exported import GraphIR
@_exported import Support
