// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import SystemPackage
import Testing

/// The number of a monitor that has gone may be another process's.
@Suite(.asRoot, .busybox, .shim, .serialized) struct MonitorEndTests {
    @Test("a monitor that was reaped has no number any more, also while its end takes its time")
    func reaped() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "exec sleep 1000")
            let shim = try #require(container.shimPID)
            try await node.withHeldDatabase {
                kill(shim, SIGKILL)
                try await eventually("it was reaped") { !Files.exists(FilePath("/proc/\(shim)")) }
                #expect(container.life.hasShim, "its end is not recorded yet")
                #expect(container.shimPID == nil)
            }
        }
    }

    @Test("a process that has the number of an adopted monitor that is gone is left alone; the monitor itself is not")
    func adopted() async throws {
        for isOther in [true, false] {
            let pid = try spawn(FilePath(TestNode.busybox), arguments: ["busybox", "sleep", "1000"], environment: [], descriptors: [])
            let ticks = try ProcessStat(of: pid).startTicks
            ShimProcess(adopted: pid, startTicks: isOther ? ticks - 1 : ticks).kill()
            if isOther {
                usleep(50_000)
                #expect(waitpid(pid, nil, WNOHANG) == 0, "it lives")
                kill(pid, SIGKILL)
            }
            try await Daemons.reap(pid)
        }
    }
}
