// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Requests of a size that nobody has in mind: taken whole, or refused with a reason; never cut, and never the daemon's end (X-43).
@Suite(.asRoot, .busybox) struct LargeRequestTests {
    @Test(
        "a thousand labels and variables and two hundred mounts are taken whole; more than there may be, and what the kernel can't take, is refused (X-43)"
    )
    func large() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            let before = node.daemon.pid
            func labels(_ count: Int) -> [String] { (0..<count).flatMap { ["--label", "l\($0)=v\($0)"] } }
            try node.good(["create", "--name", "labelled"] + labels(1000) + [image, "true"])
            let request = (try node.json("inspect", "labelled") as? [[String: Any]])?.first?["request"] as? [String: Any]
            let found = try #require(request?["labels"] as? [String: String])
            #expect(found.count == 1000 && found["l999"] == "v999")
            let refused = try node.ctr(["create", "--name", "refused"] + labels(10_000) + [image, "true"])
            #expect(refused.code != 0 && refused.errors.contains("/labels"), "\(refused.errors.prefix(500))")

            let file = node.directory.path + "/environment"
            let mounts = (0..<200).flatMap { ["--tmpfs", "/m/\($0)"] }
            try (0..<1000).map { "V\($0)=\(String(repeating: "x", count: 1000))\n" }.joined().write(
                toFile: file, atomically: true, encoding: .utf8)
            let seen = try node.good(
                ["run", "--rm", "--env-file", file] + mounts + [
                    image, "sh", "-c", "env | grep -c '^V[0-9]*=x*$'; grep -c ' /m/' /proc/self/mounts",
                ])
            #expect(seen == "1000\n200\n")

            // A string of 128 KiB, and 6 MiB in all, are more than execve(2) takes.
            for (count, size) in [(1, 131_072), (60, 100_000)] {
                try (0..<count).map { "V\($0)=\(String(repeating: "x", count: size))\n" }.joined()
                    .write(toFile: file, atomically: true, encoding: .utf8)
                let outcome = try node.ctr("run", "--rm", "--env-file", file, image, "true")
                #expect([125, 126].contains(outcome.code), "\(count) of \(size): \(outcome.code)")
                #expect(!outcome.errors.isEmpty && outcome.errors.utf8.count < 4096, "\(outcome.errors.prefix(500))")
            }
            #expect(try node.good("ps", "-a", "--format", "{{.name}}") == "labelled\n", "nothing is left of what was refused")
            #expect(node.daemon.pid == before && node.daemon.isRunning)
            try node.good("run", "--rm", image, "true")
        }
    }

    @Test("nobody but root reaches anything below root and state, whatever the daemon's umask is (X-32)", arguments: ["000", "077"])
    func modes(umask: String) throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode(through: ["sh", "-c", "umask \(umask); exec \"$@\"", "sh"]) { (node: Node) throws in
            try node.good("run", "-d", "--name", "one", image, "sh", "-c", "echo x > /written; exec sleep 1000")
            try node.good("exec", "-d", "one", "sleep", "1000")
            let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
            for place in [node.root, node.directory.path + "/run"] {
                let found = try command(
                    nobody + ["find", place, "-mindepth", "1", "(", "-readable", "-o", "-writable", ")", "!", "-type", "l"])
                #expect(found.output == "", "\(umask): nobody can read or write below \(place)")
            }
            let connected = try command(nobody + ["env", "CTR_SWIFT_SOCKET=\(node.socket)", Node.bin + "/ctr-swift", "ps"])
            #expect(connected.code != 0)
            // What the container's user writes is as its own umask says, not the daemon's.
            #expect(try node.good("exec", "one", "stat", "-c", "%a", "/written") == "644\n")
        }
    }
}
