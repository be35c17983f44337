// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import SystemPackage
import Testing

/// Who waits for an end, and who listens to what happens.
@Suite struct WaiterTests {
    private static let record = ExitRecord(exitCode: 3, startedAt: "a", finishedAt: "b")

    /// One that waits already: `already` is asked under the lock, before the wait.
    private static func waiting(_ waiters: ExitWaiters, _ condition: ExitWaiters.Condition) async -> Task<ExitRecord?, Never> {
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            await waiters.wait(for: condition) {
                ask.yield()
                return nil
            }
        }
        for await _ in asked { break }
        return task
    }

    @Test("each condition answers those who wait for it, and the removal everyone")
    func conditions() async {
        let waiters = ExitWaiters()
        let stopped = await Self.waiting(waiters, .stopped)
        let gone = await Self.waiting(waiters, .shimGone)
        let removed = await Self.waiting(waiters, .removed)
        waiters.signal(.stopped, Self.record)
        #expect(await stopped.value == Self.record)
        let late = await Self.waiting(waiters, .stopped)
        waiters.signal(.removed, Self.record)
        for task in [gone, removed, late] { #expect(await task.value == Self.record) }
    }

    @Test("what has happened already is not waited for")
    func already() async {
        let waiters = ExitWaiters()
        #expect(await waiters.wait(for: .stopped) { Self.record } == Self.record)
        waiters.signal(.removed, Self.record)
        for condition in [ExitWaiters.Condition.stopped, .shimGone, .removed] {
            #expect(await waiters.wait(for: condition) { nil } == Self.record)
        }
    }

    @Test("a removal without a run answers with nothing, also those who come later")
    func removedWithoutRun() async {
        let waiters = ExitWaiters()
        let waiter = await Self.waiting(waiters, .stopped)
        waiters.signal(.removed, nil)
        #expect(await waiter.value == nil)
        #expect(await waiters.wait(for: .stopped) { Self.record } == nil)
    }

    @Test("a waiter that is cancelled is answered at once; one that was before does not wait")
    func cancelled() async {
        let waiters = ExitWaiters()
        let waiter = await Self.waiting(waiters, .stopped)
        let other = await Self.waiting(waiters, .stopped)
        waiter.cancel()
        #expect(await waiter.value == nil)
        let early = Task {
            while !Task.isCancelled { await Task.yield() }
            return await waiters.wait(for: .stopped) { nil }
        }
        early.cancel()
        #expect(await early.value == nil)
        waiters.signal(.stopped, Self.record)
        #expect(await other.value == Self.record)
    }

    @Test("everyone who listens hears what comes after, in order; the end of the daemon ends it")
    func events() async {
        let hub = EventHub()
        hub.publish("container", "before", id: "x")
        let streams = [hub.subscribe(), hub.subscribe()]
        for index in 0..<10 { hub.publish("container", "\(index)", id: "x", attributes: ["k": "v"]) }
        hub.finish()
        hub.publish("container", "after", id: "x")
        for stream in streams {
            var actions: [String] = []
            for await event in stream { actions.append(event.action) }
            #expect(actions == (0..<10).map { "\($0)" })
        }
    }

    @Test("a listener that is far behind loses the oldest, and costs no more memory")
    func slowListener() async {
        let hub = EventHub()
        let stream = hub.subscribe()
        for index in 0..<3000 { hub.publish("container", "\(index)", id: "x") }
        hub.finish()
        var actions: [String] = []
        for await event in stream { actions.append(event.action) }
        #expect(actions == (3000 - 1024..<3000).map { "\($0)" })
    }

    @Test("the pool hands results and typed errors back, also after its end")
    func pool() async throws {
        let pool = BlockingPool(width: 2)
        #expect(await pool.run { 1 } == 1)
        await #expect(throws: ContainerError.self) {
            try await pool.run { () throws(ContainerError) in throw ContainerError.notFound("x") }
        }
        let sum = await withTaskGroup(of: Int.self) { group in
            for index in 0..<50 { group.addTask { await pool.run { index } } }
            return await group.reduce(0, +)
        }
        #expect(sum == 1225)
        await pool.shutdown()
        #expect(await pool.run { 2 } == 2)
    }

    @Test("what a shim says is taken in the order in which it said it")
    func inOrder() async throws {
        let container = Container.unstarted()
        let (numbers, said) = AsyncStream.makeStream(of: Int.self)
        for index in 0..<100 {
            container.inOrder {
                for _ in 0..<(100 - index) { await Task.yield() }
                said.yield(index)
                if index == 99 { said.finish() }
            }
        }
        var heard: [Int] = []
        for await number in numbers { heard.append(number) }
        #expect(heard == Array(0..<100))
    }
}
