/// Why a benchmark, or one side of it, could not run.
package struct BenchmarkError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
