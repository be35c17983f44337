// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Groups that others make and remove meanwhile: another runtime, systemd, the container itself.
@Suite(.asRoot) struct CgroupRaceTests {
    private final class Other: Sendable {
        let changes = Atomic(0)
        let isOver = Atomic(false)
        let hasEnded = Atomic(false)
    }

    /// Runs the body again and again while a thread does the other thing, which says how much it has changed; until that is enough.
    private func run(untilChanged count: Int, _ body: (Int) throws -> Void, while other: @escaping @Sendable () -> Int) throws {
        let state = Other()
        try startThread(name: "other") {
            while !state.isOver.load(ordering: .relaxed) {
                state.changes.add(other(), ordering: .relaxed)
                usleep(20)
            }
            state.hasEnded.store(true, ordering: .releasing)
        }
        // Over whatever happens: the thread would go on for ever.
        let result = Result {
            var round = 0
            try eventually("there were \(count) changes") {
                try body(round)
                round += 1
                return round > 100 && state.changes.load(ordering: .relaxed) >= count
            }
        }
        state.isOver.store(true, ordering: .relaxed)
        try eventually("the thread ends") { state.hasEnded.load(ordering: .acquiring) }
        try result.get()
    }

    private let top = "ctr-swift-test-\(UInt32.random(in: 0 ... .max))"

    @Test("a group is made though its parents are removed again and again while they are empty") func parentsRemoved() throws {
        let layout = try CgroupLayout.detect()
        let parents = layout.hierarchies.flatMap { hierarchy in
            let parent = FilePath(hierarchy.mountPoint).appending(top)
            return [parent.appending("slice"), parent]
        }
        defer { for parent in parents { _ = rmdir(parent.string) } }
        try run(untilChanged: 500) { round throws in
            var handle = CgroupHandle(layout, path: "\(top)/slice/\(round)")
            defer { try? handle.delete() }
            try handle.make()
            #expect(handle.directories.allSatisfy { $0.created && access($0.location.string, F_OK) == 0 })
        } while: {
            parents.count { rmdir($0.string) == 0 }
        }
    }

    @Test("the processes of a group are told, and it is deleted, while groups below it come and go") func subgroups() throws {
        let unified = try #require(CgroupLayout.detect().unified)
        var handle = CgroupHandle(CgroupLayout(hierarchies: [unified]), path: top)
        try handle.make()
        let location = try #require(handle.unified).location
        let sleeper = try ChildProcess(["/bin/sleep", "1000"])
        try writeFile(location.appending("cgroup.procs"), "\(sleeper.pid)")
        let below = (0..<8).map { location.appending("below-\($0)") }
        defer { for group in below + [location] { _ = rmdir(group.string) } }
        try run(untilChanged: 500) { _ throws in
            for _ in 0..<20 { #expect(try handle.processes() == [sleeper.pid]) }
        } while: {
            below.count { mkdir($0.string, 0o755) == 0 } + below.count { rmdir($0.string) == 0 }
        }
        kill(sleeper.pid, SIGKILL)
        _ = try sleeper.finish()
        try run(untilChanged: 20) { round throws in
            var handle = CgroupHandle(CgroupLayout(hierarchies: [unified]), path: "\(top)/\(round)")
            try handle.make()
            let group = try #require(handle.unified).location
            for name in ["a", "b", "c"] { try makeDirectory(group.appending(name), mode: 0o755) }
            try handle.delete()
            #expect(access(group.string, F_OK) == -1)
        } while: { [top] in
            // Deletes what the other is deleting.
            guard let names = try? openFile(location, O_RDONLY | O_DIRECTORY).entries(of: top) else { return 0 }
            return names.count { name, _ in rmdir(location.appending(String(decoding: name, as: UTF8.self)).appending("c").string) == 0 }
        }
    }

    @Test("a group that is not there has no processes to tell, uses nothing, and is no error to delete") func absent() throws {
        let handle = CgroupHandle(existing: top, try CgroupLayout.detect())
        #expect(handle.directories.isEmpty)
        #expect(throws: KernelError.self) { try handle.usage() }
        try handle.killAll()
        try handle.delete()
    }
}
