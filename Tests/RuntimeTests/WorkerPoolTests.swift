import Atomics
import Foundation
import Runtime
import Testing

@Suite(.serialized) struct WorkerPoolTests {
    static let sizes = [0, 1, 2, 3, 7, 8, 9, 31, 32, 33, 64, 100, 1000, 4099]

    @Test(arguments: [1, 2, 8])
    func everyTaskRunsExactlyOnce(threads: Int) {
        let pool = WorkerPool(threads: threads)
        #expect(pool.threads == threads)
        for tasks in Self.sizes {
            let counts = (0..<tasks).map { _ in ManagedAtomic<Int>(0) }
            let badWorkers = ManagedAtomic<Int>(0)
            pool.run(tasks: tasks) { worker, range in
                if !(0..<threads).contains(worker) || range.isEmpty {
                    badWorkers.wrappingIncrement(ordering: .relaxed)
                }
                for task in range { counts[task].wrappingIncrement(ordering: .relaxed) }
            }
            #expect(counts.allSatisfy { $0.load(ordering: .relaxed) == 1 }, "\(tasks) tasks")
            #expect(badWorkers.load(ordering: .relaxed) == 0)
        }
    }

    /// Workers never share a number at the same time, so scratch chosen by it is private.
    @Test(arguments: [2, 8])
    func workerNumbersArePrivate(threads: Int) {
        let pool = WorkerPool(threads: threads)
        let inUse = (0..<threads).map { _ in ManagedAtomic<Int>(0) }
        let clashes = ManagedAtomic<Int>(0)
        for _ in 0..<200 {
            pool.run(tasks: 64) { worker, _ in
                if inUse[worker].loadThenWrappingIncrement(ordering: .relaxed) != 0 {
                    clashes.wrappingIncrement(ordering: .relaxed)
                }
                inUse[worker].wrappingDecrement(ordering: .relaxed)
            }
        }
        #expect(clashes.load(ordering: .relaxed) == 0)
    }

    /// 10,000 runs that follow closely, each writing plain memory that the next one reads.
    @Test(arguments: [1, 2, 8])
    func manyRunsSeeEachOthersWrites(threads: Int) throws {
        let pool = WorkerPool(threads: threads)
        let tasks = 37
        let values = UnsafeMutableBufferPointer<Int>.allocate(capacity: tasks)
        defer { values.deallocate() }
        values.initialize(repeating: 0)
        var mismatches = 0
        for run in 0..<10_000 {
            // Task t adds 1 to the value that another worker may have written in the run before.
            pool.run(tasks: tasks) { _, range in for task in range { values[task] += 1 } }
            if values.contains(where: { $0 != run + 1 }) { mismatches += 1 }
        }
        #expect(mismatches == 0)
    }

    /// In a process of its own, where nothing else allocates: 8 bytes lost a run would show.
    @Test func runsDoNotLeak() async {
        await #expect(processExitsWith: .success) {
            let pool = WorkerPool(threads: 2)
            let total = ManagedAtomic<Int>(0)
            func run(_ times: Int) {
                for _ in 0..<times {
                    pool.run(tasks: 8) { _, range in
                        total.wrappingIncrement(by: range.count, ordering: .relaxed)
                    }
                }
            }
            run(1000)
            let before = try residentBytes()
            run(200_000)
            let growth = try residentBytes() - before
            #expect(growth < 1 << 20, "resident memory grew by \(growth) bytes")
            #expect(total.load(ordering: .relaxed) == 201_000 * 8)
        }
    }

    /// Runs after pauses longer than the spin time: workers sleep and are woken each time.
    @Test(arguments: [2, 8])
    func sleepingWorkersWakeUp(threads: Int) {
        let pool = WorkerPool(threads: threads)
        let others = ManagedAtomic<Int>(0)
        for _ in 0..<50 {
            usleep(300)
            pool.run(tasks: threads) { worker, _ in
                if worker != 0 { others.wrappingIncrement(ordering: .relaxed) }
                usleep(1000)
            }
        }
        #expect(others.load(ordering: .relaxed) > 25, "the workers took part")
    }

    /// One task that sleeps a hundred times as long as the rest: the other worker does nearly all of these.
    @Test func unevenTasksBalance() {
        let pool = WorkerPool(threads: 2)
        let perWorker = (0..<2).map { _ in ManagedAtomic<Int>(0) }
        let slowWorker = ManagedAtomic<Int>(-1)
        pool.run(tasks: 64) { worker, range in
            for task in range {
                usleep(task == 0 ? 200_000 : 1_000)
                if task == 0 { slowWorker.store(worker, ordering: .relaxed) }
                perWorker[worker].wrappingIncrement(ordering: .relaxed)
            }
        }
        let slow = slowWorker.load(ordering: .relaxed)
        let counts = perWorker.map { $0.load(ordering: .relaxed) }
        #expect(counts.reduce(0, +) == 64)
        // The slow worker's own chunk has 8 tasks; statically it would have 32.
        #expect(counts[slow] <= 16, "\(counts)")
    }

    /// Three threads call one pool: never more bodies at a time than the pool has threads.
    @Test func callersTakeTurns() async {
        let pool = WorkerPool(threads: 2)
        let running = ManagedAtomic<Int>(0)
        let total = ManagedAtomic<Int>(0)
        let tooMany = ManagedAtomic<Int>(0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    for _ in 0..<300 {
                        pool.run(tasks: 10) { _, range in
                            let others = running.loadThenWrappingIncrement(ordering: .relaxed)
                            if others >= pool.threads { tooMany.wrappingIncrement(ordering: .relaxed) }
                            total.wrappingIncrement(by: range.count, ordering: .relaxed)
                            running.wrappingDecrement(ordering: .relaxed)
                        }
                    }
                }
            }
        }
        #expect(total.load(ordering: .relaxed) == 3 * 300 * 10)
        #expect(tooMany.load(ordering: .relaxed) == 0)
    }

    /// In a process of its own, whose processors the test may choose.
    @Test func workersHaveAProcessorEach() async {
        await #expect(processExitsWith: .success) {
            let all = try #require(ProcessorSet.ofCallingThread)
            let pool = WorkerPool(threads: all.processors.count)
            guard pool.threads > 1 else { return #expect(pool.places.isEmpty) }
            #expect(pool.places == all.processors.map { ProcessorSet([$0]) })
            let masks = UnsafeMutableBufferPointer<ProcessorSet?>.allocate(capacity: pool.threads)
            masks.initialize(repeating: nil)
            defer { masks.deallocate() }
            pool.session {
                // Long tasks, so that all workers take part.
                pool.run(tasks: 4 * pool.threads) { worker, _ in
                    masks[worker] = ProcessorSet.ofCallingThread
                    usleep(20_000)
                }
            }
            // In any order: other processes may have had workers change places.
            let found = masks.compactMap { $0?.processors }
            #expect(found.sorted { $0[0] < $1[0] } == all.processors.map { [$0] })
            #expect(ProcessorSet.ofCallingThread == all, "the caller has its own mask back")
        }
    }

    @Test func nothingIsPinnedWithOtherThanOneWorkerAProcessor() async {
        await #expect(processExitsWith: .success) {
            let all = try #require(ProcessorSet.ofCallingThread)
            #expect(WorkerPool(threads: all.processors.count + 1).places.isEmpty)
            // One processor only, of those that the process may use.
            ProcessorSet([all.processors[all.processors.count - 1]]).applyToCallingThread()
            let pool = WorkerPool(threads: 2)
            #expect(pool.places.isEmpty)
            let total = ManagedAtomic<Int>(0)
            pool.session {
                pool.run(tasks: 9) { _, range in
                    total.wrappingIncrement(by: range.count, ordering: .relaxed)
                }
            }
            #expect(total.load(ordering: .relaxed) == 9)
        }
    }

    @Test func sessionsNest() {
        let pool = WorkerPool(threads: 2)
        let before = ProcessorSet.ofCallingThread
        let total = ManagedAtomic<Int>(0)
        pool.session {
            pool.session {
                pool.run(tasks: 5) { _, range in
                    total.wrappingIncrement(by: range.count, ordering: .relaxed)
                }
            }
            pool.run(tasks: 5) { _, range in
                total.wrappingIncrement(by: range.count, ordering: .relaxed)
            }
        }
        #expect(total.load(ordering: .relaxed) == 10)
        #expect(ProcessorSet.ofCallingThread == before)
    }

    @Test func poolsComeAndGo() throws {
        let total = ManagedAtomic<Int>(0)
        for _ in 0..<100 {
            let pool = WorkerPool(threads: 4)
            pool.run(tasks: 16) { _, range in total.wrappingIncrement(by: range.count, ordering: .relaxed) }
        }
        #expect(total.load(ordering: .relaxed) == 1600)
        let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
        #expect(threads < 100, "threads are joined: \(threads) left")
    }

    @Test(arguments: [1, 2])
    func nestedRunTraps(threads: Int) async {
        // Exit tests capture nothing here: one for each pool size. The message is printed by debug builds only.
        if threads == 1 {
            await #expect(processExitsWith: .failure) {
                let pool = WorkerPool(threads: 1)
                pool.run(tasks: 1) { _, _ in pool.run(tasks: 1) { _, _ in } }
            }
        } else {
            await #expect(processExitsWith: .failure) {
                let pool = WorkerPool(threads: 2)
                pool.run(tasks: 8) { _, _ in pool.run(tasks: 8) { _, _ in } }
            }
        }
    }
}

/// Resident memory of this process in bytes.
func residentBytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    return try #require(Int(text.split(separator: " ")[1])) * 4096
}
