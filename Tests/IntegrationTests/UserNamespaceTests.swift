// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// User namespaces from the command line to the kernel.
@Suite(.asRoot, .serialized) struct UserNamespaceTests {
    private func words(_ text: String) -> [[Substring]] { text.split(separator: "\n").map { $0.split(separator: " ") } }

    @Test("containers with --userns auto have disjoint ids, which a killed daemon does not forget, and which go with them")
    func auto() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode(configuration: "userns-range = \"700000:196608\"\n") { (node: Node) throws in
            try node.good("run", "-d", "--name", "one", "--userns", "auto", image, "sleep", "1000")
            try node.good("create", "--name", "two", "--userns", "auto", image, "cat", "/proc/self/uid_map")
            try node.killDaemon()
            try node.start()
            let three = words(try node.good("run", "--name", "three", "--userns", "auto", image, "cat", "/proc/self/uid_map"))
            #expect(three == [["0", "831072", "65536"]])
            try node.good("start", "two")
            try node.good("wait", "two")
            #expect(words(try node.good("logs", "two")) == [["0", "765536", "65536"]])
            #expect(words(try node.good("exec", "one", "cat", "/proc/self/uid_map")) == [["0", "700000", "65536"]])
            let full = try node.ctr("create", "--userns", "auto", image, "true")
            #expect(full.code == 125 || full.code == 1, "\(full)")
            #expect(full.errors.contains("65536 free ids") && full.errors.contains("userns-range"))
            try node.good("rm", "-f", "one")
            let again = words(try node.good("run", "--rm", "--userns", "auto", image, "cat", "/proc/self/uid_map"))
            #expect(again == [["0", "700000", "65536"]])
            #expect(words(try node.good("run", "--rm", "--userns", "host", image, "cat", "/proc/self/uid_map")).first?[1] == "0")
        }
    }

    @Test("--userns keep is the peer's own id, and nobody can be kept who is root")
    func keep() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode(configuration: "socket-group = \"54321\"\n") { (node: Node) throws in
            try node.good("pull", image)
            #expect(try node.ctr("run", "--rm", "--userns", "keep", image, "true").errors.contains("who is root"))
            let program = node.directory.path + "/ctr-swift"
            try FileManager.default.copyItem(atPath: Node.bin + "/ctr-swift", toPath: program)
            let home = node.directory.path + "/home"
            try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
            try #require(chown(home, 1234, 1235) == 0)
            let script = "id -u; id -g; touch /home/mine; stat -c %u:%g /home/mine"
            let caller = try ChildProcess(
                ["setpriv", "--reuid=1234", "--regid=1235", "--groups=54321", program, "run", "--rm", "--userns", "keep"]
                    + ["-v", home + ":/home", image, "sh", "-c", script], environment: ["CTR_SWIFT_SOCKET": node.socket, "HOME": home])
            let outcome = try caller.finish()
            #expect(outcome.output == "1234\n1235\n1234:1235\n", "\(outcome)")
            let owner = try FileManager.default.attributesOfItem(atPath: home + "/mine")[.ownerAccountID] as? Int
            #expect(owner == 1234)
        }
    }
}
