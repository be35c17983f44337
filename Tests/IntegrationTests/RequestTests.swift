// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What the flags of `run` ask for is what a program in the container sees.
@Suite(.asRoot, .serialized) struct RequestTests {
    @Test("every flag of run is seen from inside")
    func flags() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            func run(_ arguments: [String]) throws -> String { try node.ctr(["run", "--rm"] + arguments).output }
            #expect(try run(["-e", "A=1", "-e", "IMAGE=other", image, "sh", "-c", "echo $A $IMAGE $PATH"]) == "1 other /bin\n")
            #expect(try run(["-w", "/made/here", image, "pwd"]) == "/made/here\n")
            #expect(try run(["-u", "app", image, "id"]) == "uid=1000(app) gid=1000(app) groups=10(wheel),100(users),1000(app)\n")
            #expect(try run(["-u", "1000:0", image, "sh", "-c", "id -u; id -g; id -G"]) == "1000\n0\n0\n")
            #expect(try run(["-u", "4000", image, "sh", "-c", "id -u; id -g; echo $HOME"]) == "4000\n0\n/\n")
            #expect(try run(["--entrypoint", "echo", image, "a", "b"]) == "a b\n")
            #expect(
                try run(["--hostname", "web", image, "sh", "-c", "hostname; cat /etc/hostname; grep -c web /etc/hosts"]) == "web\nweb\n1\n")
            #expect(try run(["--read-only", image, "sh", "-c", "touch /x 2>/dev/null || echo refused"]) == "refused\n")
            #expect(
                try run([
                    "--tmpfs", "/scratch:size=1m,mode=700", image, "sh", "-c",
                    "df -k /scratch | tail -1 | awk '{print $2}'; stat -c %a /scratch",
                ]) == "1024\n700\n")
            #expect(
                try run(["--network", "none", image, "sh", "-c", "ls /sys/class/net; ip addr show lo | grep -c 127.0.0.1"]) == "lo\n1\n")
            let own = try command(["readlink", "/proc/self/ns/net"]).output
            #expect(try run(["--network", "host", image, "readlink", "/proc/self/ns/net"]) == own)
            #expect(try run(["--init", image, "sh", "-c", "echo $$ >/dev/null; cat /proc/1/comm"]).contains("ctr"))
        }
    }

    @Test("a bind mount shows the host's files, read-only where asked; a missing source is refused and not made")
    func binds() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            let source = node.directory.path + "/shared"
            try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)
            try "host".write(toFile: source + "/file", atomically: true, encoding: .utf8)
            #expect(
                try node.good("run", "--rm", "-v", "\(source):/in/side", image, "sh", "-c", "cat /in/side/file; echo new > /in/side/made")
                    == "host")
            #expect(try String(contentsOfFile: source + "/made", encoding: .utf8) == "new\n")
            let refused = try node.ctr("run", "--rm", "-v", "\(source):/in:ro", image, "sh", "-c", "echo no > /in/file")
            #expect(refused.code != 0)
            #expect(try String(contentsOfFile: source + "/file", encoding: .utf8) == "host")
            let missing = try node.ctr("run", "--rm", "-v", "\(source)/none:/in", image, "true")
            #expect(missing.code == 125)
            #expect(missing.errors.contains("does not exist"))
            #expect(!FileManager.default.fileExists(atPath: source + "/none"))
        }
    }

    @Test("memory, CPU and pids limits are in the kernel's files, and hold")
    func limits() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            let id = try node.good("run", "-d", "-m", "64m", "--cpus", "0.5", "--pids-limit", "20", image, "sleep", "100")
                .trimmingCharacters(in: .whitespacesAndNewlines)
            func value(_ files: [String]) throws -> String? {
                let pid =
                    try #require((try node.json("inspect", id) as? [[String: Any]])?.first?["summary"] as? [String: Any])["pid"] as? Int
                let groups = try String(contentsOfFile: "/proc/\(try #require(pid))/cgroup", encoding: .utf8)
                let path = try #require(
                    groups.split(separator: "\n").map { $0.split(separator: ":", omittingEmptySubsequences: false) }
                        .first { $0.count > 2 && $0[2].contains(node.cgroupParent) })[2]
                for file in files {
                    for root in [
                        "/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct",
                        "/sys/fs/cgroup/pids",
                    ] {
                        if let text = try? String(contentsOfFile: root + path + "/" + file, encoding: .utf8) {
                            return text.trimmingCharacters(in: .whitespacesAndNewlines)
                        }
                    }
                }
                return nil
            }
            #expect(try value(["memory.max", "memory.limit_in_bytes"]) == "67108864")
            let quota = try value(["cpu.max", "cpu.cfs_quota_us"])
            #expect(["50000", "50000 100000"].contains(quota))
            #expect(try value(["pids.max"]) == "20")
            try node.good("rm", "-f", id)
            let bomb = try node.ctr(
                "run", "--rm", "--pids-limit", "5", image, "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 3 & done; wait")
            #expect(bomb.errors.contains("fork"))
            let memory = try node.ctr(
                "run", "-m", "16m", "--name", "hog", image, "sh", "-c", "x=$(head -c 100000000 /dev/zero | tr '\\0' x); echo ${#x}")
            #expect(memory.code != 0)
            try node.good("rm", "hog")
        }
    }
}
