// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import OCI
import SystemPackage
import Testing

/// The user of a plan, by the image's own files, wherever those lead.
@Suite struct ImageUserTests {
    private static let passwd = "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n"
    private static let group = "app:x:1001:\nextra:x:6:app\n"

    private static func user(_ text: String?, image: String? = nil, _ layers: TestLayers) throws -> RuntimeSpec.User {
        try TestPlan(image: { $0.user = image }, layers: layers) { $0.user = text }.process.user
    }

    private static let app = RuntimeSpec.User(uid: 1000, gid: 1001, additionalGids: [1001, 6])

    @Test("the request's user, else the image's, by the image's files; HOME is theirs")
    func names() throws {
        let layers = try TestLayers(["etc/passwd": Self.passwd, "etc/group": Self.group])
        #expect(try Self.user("app", layers) == Self.app)
        #expect(try Self.user(nil, image: "app", layers) == Self.app)
        #expect(try Self.user("0", image: "app", layers).uid == 0)
        #expect(try Self.user("", image: "app", layers).uid == 0)
        let plan = try TestPlan(image: { $0.user = "app" }, layers: layers)
        #expect(try plan.process.env?.contains("HOME=/home/app") == true)
    }

    @Test("the uppermost layer's files count")
    func layering() throws {
        let layers = try TestLayers(stack: [
            ["etc/passwd": "app:x:1:2::/up:/bin/sh\n"], ["etc/passwd": Self.passwd, "etc/group": Self.group],
        ])
        #expect(try Self.user("app:extra", layers) == RuntimeSpec.User(uid: 1, gid: 6, additionalGids: [6]))
        let below = try TestLayers(stack: [["etc/hosts": ""], ["etc/passwd": Self.passwd]])
        #expect(try Self.user("app", below).uid == 1000)
    }

    @Test("without files, numbers do", arguments: ["", "0", "1000:1000"])
    func withoutFiles(text: String) throws {
        let layers = try TestLayers()
        #expect(try Self.user(text, layers).uid == (text.hasPrefix("1") ? 1000 : 0))
        expectInvalid("no such user") { try Self.user("app", layers) }
    }

    @Test(
        "links are followed within the image, the host's files never read",
        arguments: ["->/real/passwd", "->../real/passwd", "->../../../../real/passwd"])
    func links(target: String) throws {
        let layers = try TestLayers(["etc/passwd": target, "etc/group": Self.group, "real/passwd": Self.passwd])
        #expect(try Self.user("app", layers) == Self.app)
    }

    @Test("a link out of the image leads nowhere: the host's own users are not the image's")
    func hostFiles() throws {
        let outside = try TestLayers()
        try outside.add("passwd", "outside:x:4242:4242::/:/bin/sh\n")
        for target in ["->\(outside.path("passwd"))", "->../../../../../../../..\(outside.path("passwd"))"] {
            let layers = try TestLayers(["etc/passwd": target])
            expectInvalid("no such user") { try Self.user("outside", layers) }
        }
        let directory = try TestLayers(["etc": "->\(outside.store)"])
        expectInvalid("no such user") { try Self.user("outside", directory) }
    }

    @Test("a FIFO, a directory and a socket in the place of passwd are no file, and nobody waits for them")
    func notFiles() throws {
        let fifo = try TestLayers(["etc/group": Self.group])
        #expect(mkfifo(fifo.path("etc/passwd").string, 0o600) == 0)
        #expect(try Self.user("1000", fifo).uid == 1000)
        expectInvalid("no such user") { try Self.user("app", fifo) }
        let directory = try TestLayers(["etc/passwd/x": ""])
        #expect(try Self.user("1000", directory).uid == 1000)
        expectInvalid("no such user") { try Self.user("app", directory) }
        let file = try TestLayers(["etc": "no directory"])
        #expect(try Self.user("1000", file).uid == 1000)
    }

    @Test("a file of a size that no passwd has, and links without end, are refused with their name", arguments: ["passwd", "group"])
    func hugeFile(name: String) throws {
        let huge = try TestLayers(["etc/\(name)": ""])
        #expect(truncate(huge.path("etc/\(name)").string, 1 << 40) == 0)
        let endless = try TestLayers(["etc/\(name)": "->\(name)"])
        for layers in [huge, endless] {
            let error = #expect(throws: ContainerError.self) { _ = try Self.user("app", layers) }
            guard case .invalidImage(let what)? = error else {
                Issue.record("\(error.map { "\($0)" } ?? "no error")")
                return
            }
            #expect(what.contains("/etc/\(name)"))
            #expect(what.contains("example.org/app:1"))
        }
    }

    @Test("a file of a mebibyte is read to its last line")
    func largeFile() throws {
        let line = "u:x:5:5::/:/bin/sh\n"
        let text = String(repeating: line, count: ((1 << 20) - Self.passwd.utf8.count) / line.utf8.count) + Self.passwd
        let layers = try TestLayers(["etc/passwd": text, "etc/group": Self.group])
        #expect(try Self.user("app", layers) == Self.app)
    }
}
