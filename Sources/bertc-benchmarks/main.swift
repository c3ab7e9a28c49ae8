import Benchmarks

BenchmarksCommand.main()
