// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

/// Another container (here: a process of the host) changes a shared volume while a mount is made below it (CVE-2021-30465).
@Suite(.asRoot, .busybox, .serialized) struct RaceTests {
    @Test("a directory that is swapped for a link out leads nowhere outside", .timeLimit(.minutes(5))) func swapped() throws {
        let bundle = try TestBundle(shell: "true")
        let volume = bundle.path.appending("volume")
        let canary = bundle.path.appending("canary")
        for directory in [volume, canary, volume.appending("sub")] { try makeDirectory(directory, mode: 0o755) }
        _ = symlink("../../../../../../../../../..\(canary)", volume.appending("evil").string)
        _ = symlink(canary.string, volume.appending("evil2").string)
        bundle.spec.mounts? += [
            .init(destination: "/volume", type: "bind", source: volume.string, options: ["rbind"]),
            .init(destination: "/volume/sub/made", type: "bind", source: "/etc", options: ["rbind", "ro"]),
            .init(destination: "/volume/sub/deep/er", type: "tmpfs", source: "tmpfs"),
        ]
        let swapper = try ChildProcess(["/usr/bin/python3", "-c", Self.swap, volume.string])
        defer {
            kill(swapper.pid, SIGKILL)
            _ = try? swapper.finish()
        }
        var started = 0
        for _ in 0..<200 where try bundle.run().code == 0 { started += 1 }
        #expect(started > 0)
        // Links are resolved in the container's root, where the canary's path may be made; outside nothing is.
        #expect(try command(["/bin/ls", "-A", canary.string]).output.isEmpty)
        #expect(try !MountInfo.all().contains { $0.mountPoint.hasPrefix(bundle.path.string) })
    }

    /// renameat2(2) with RENAME_EXCHANGE, as fast as it goes.
    private static let swap = """
        import ctypes, sys, os
        libc = ctypes.CDLL(None)
        os.chdir(sys.argv[1])
        while True:
            libc.renameat2(-100, b"sub", -100, b"evil", 2)
            libc.renameat2(-100, b"sub", -100, b"evil2", 2)
        """
}
