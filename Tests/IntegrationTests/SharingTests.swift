// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What containers have of other images and of other containers, from the command line to the kernel.
@Suite(.asRoot, .serialized) struct SharingTests {
    @Test("a mounted image is in use, and its files stay for the container also when it is removed by force")
    func imageMounts() throws {
        let registry = try Registry.withFixtures()
        let (image, other) = try (registry.byDigest("test/busybox"), registry.byDigest("test/layers-127"))
        try withNode { (node: Node) throws in
            try node.good("pull", image)
            let missing = try node.ctr("create", "--mount", "type=image,src=\(other),dst=/other", image, "true")
            #expect(missing.code != 0 && missing.errors.contains("is not here"), "\(missing)")
            try node.good("pull", other)
            let script = "ls /other | wc -l; touch /other/new 2>&1 | grep -c Read-only"
            try node.good("create", "--name", "user", "--mount", "type=image,src=\(other),dst=/other", image, "sh", "-c", script)
            #expect(try node.ctr("rmi", other).code != 0)
            try node.good("image", "prune")
            try node.good("start", "user")
            try node.good("wait", "user")
            let first = try node.good("logs", "user").split(separator: "\n")
            #expect(first.count == 2 && first.first != "0" && first.last == "1", "\(first)")
            try node.good("rmi", "-f", other)
            try node.killDaemon()
            try node.start()
            try node.good("start", "user")
            try node.good("wait", "user")
            #expect(try node.good("logs", "user").split(separator: "\n") == first + first)
        }
    }

    @Test("with rshared a mount of the container is the host's too, where the host's is shared; else it is refused")
    func sharedPropagation() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good("pull", image)
            let volume = node.directory.path + "/volume"
            try FileManager.default.createDirectory(atPath: volume, withIntermediateDirectories: false)
            try #require(try command(["/bin/mount", "-t", "tmpfs", "--make-private", "none", volume]).code == 0)
            defer { _ = try? command(["/bin/sh", "-c", "umount \(volume)/sub; umount \(volume)"]) }
            let words = ["-v", volume + ":/vol:rshared", "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined"]
            let script = "mkdir /vol/sub && mount -t tmpfs none /vol/sub && echo from inside > /vol/sub/f"
            let refused = try node.ctr(["run", "--rm"] + words + [image, "true"])
            #expect(refused.code == 125 && refused.errors.contains("--make-shared"), "\(refused)")
            try #require(try command(["/bin/mount", "--make-shared", volume]).code == 0)
            let result = try node.ctr(["run", "--rm"] + words + [image, "sh", "-c", script])
            #expect(result.code == 0, "\(result)")
            #expect(try command(["/bin/cat", volume + "/sub/f"]).lines == ["from inside"])
            let mapped = try node.ctr(["run", "--rm", "--userns", "auto"] + words + [image, "true"])
            #expect(mapped.code == 125 && mapped.errors.contains("rslave"), "\(mapped)")
        }
    }

    @Test("another container's processes and shared memory, by name, from run to the kernel")
    func namespaces() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good("run", "-d", "--name", "x", image, "sh", "-c", "echo mark > /dev/shm/m; echo ready; while :; do sleep 0.1; done")
            try node.wait(forLog: "ready", of: "x")
            let script = "readlink /proc/1/ns/pid; readlink /proc/self/ns/pid; cat /dev/shm/m"
            let seen = try node.good("run", "--rm", "--pid", "container:x", "--ipc=container:x", image, "sh", "-c", script).split(
                separator: "\n")
            #expect(seen.count == 3 && seen[0] == seen[1] && seen[2] == "mark", "\(seen)")
            try node.good("rm", "-f", "x")
            let gone = try node.ctr("run", "--rm", "--pid", "container:x", image, "true")
            #expect(gone.code == 125 && gone.errors.contains("no container \"x\""), "\(gone)")
        }
    }
}
