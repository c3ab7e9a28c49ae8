// GraphCompiler
