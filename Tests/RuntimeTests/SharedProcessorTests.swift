import Atomics
import Foundation
import Testing

@testable import Runtime

/// A pool one of whose processors other threads keep busy. In processes of their own, since everything else in them would
/// be disturbed.
@Suite(.serialized) struct SharedProcessorTests {
    @Test func aCallerAndAWorkerThatLoseTheirProcessorGoOnElsewhere() async {
        // On the caller's processor, then on another one.
        await #expect(processExitsWith: .success) { try disturb(0) }
        await #expect(processExitsWith: .success) { try disturb(1) }
    }

    /// Threads end up in places of their own, one each, whatever was moved.
    @Test func workersGoHome() async {
        await #expect(processExitsWith: .success) {
            let all = try #require(ProcessorSet.ofCallingThread)
            guard all.processors.count > 1 else { return }
            let places = all.processors.prefix(2).map { ProcessorSet([$0]) }
            let shared = WorkerPlaces(places)
            let mayEnd = DispatchSemaphore(value: 0)
            let hasEnded = DispatchSemaphore(value: 0)
            let isBusy = DispatchSemaphore(value: 0)
            // A worker that sleeps in its task uses no processor time, like one whose processor is taken.
            Thread.detachNewThread {
                shared.enter(as: 1)
                #expect(ProcessorSet.ofCallingThread == places[1])
                shared.begin(1)
                isBusy.signal()
                mayEnd.wait()
                #expect(ProcessorSet.ofCallingThread == places[0], "on the caller's processor")
                #expect(shared.end(1), "it is away")
                shared.goHome(1)
                #expect(ProcessorSet.ofCallingThread == places[1])
                // The caller sleeps now.
                #expect(shared.swap(1, unless: { true }), "the caller went on")
                #expect(ProcessorSet.ofCallingThread == places[1])
                #expect(shared.swap(1, unless: { false }))
                #expect(ProcessorSet.ofCallingThread == places[0])
                hasEnded.signal()
            }
            isBusy.wait()
            let own = try #require(shared.beginSession())
            #expect(ProcessorSet.ofCallingThread == places[0])
            _ = shared.observe()
            usleep(1000)
            #expect(shared.observe())
            shared.lend()
            mayEnd.signal()
            hasEnded.wait()
            #expect(ProcessorSet.ofCallingThread == places[1], "the caller has the worker's place")
            shared.endSession(own)
            #expect(ProcessorSet.ofCallingThread == all)
        }
    }
}

/// Runs jobs while another thread keeps one of two processors busy, and checks their results.
private func disturb(_ place: Int) throws {
    let all = try #require(ProcessorSet.ofCallingThread)
    guard all.processors.count > 1 else { return }
    ProcessorSet(Array(all.processors.prefix(2))).applyToCallingThread()
    let pool = WorkerPool(threads: 2)
    try #require(pool.places.count == 2)
    let stop = ManagedAtomic<Bool>(false)
    let stranger = pool.places[place]
    Thread.detachNewThread {
        stranger.applyToCallingThread()
        while !stop.load(ordering: .relaxed) {}
    }
    defer { stop.store(true, ordering: .relaxed) }
    let sums = UnsafeMutableBufferPointer<Int>.allocate(capacity: 16)
    defer { sums.deallocate() }
    sums.initialize(repeating: 0)
    let runs = 2000
    pool.session {
        for _ in 0..<runs {
            pool.run(tasks: sums.count) { _, tasks in
                for task in tasks { for step in 0..<1000 { sums[task] &+= step & 1 } }
            }
        }
    }
    #expect(sums.allSatisfy { $0 == runs * 500 })
    #expect(ProcessorSet.ofCallingThread?.processors == Array(all.processors.prefix(2)))
}
