// SPDX-License-Identifier: Apache-2.0

import Containers
import Testing

/// Users and groups of an image's own files, which may hold anything. Source: passwd(5), group(5).
@Suite struct UserTests {
    private static let passwd = """
        root:x:0:0:root:/root:/bin/sh
        app:x:1000:1001:An app:/home/app:/bin/sh
        app:x:2000:2000:the second of this name:/home/second:/bin/sh
        12:x:77:78::/home/twelve:/bin/sh
        odd.name-$:x:3:4::/odd:/bin/false
        short:x:5:6::/short
        """
    private static let group = """
        root:x:0:root
        app:x:1001:
        disk:x:6:app,root
        video:x:44:other,app
        video2:x:44:app
        wheel:x:10:app2,xapp
        99:x:500:app
        """

    private static func resolve(_ text: String, passwd: String = passwd, group: String = group) throws -> ResolvedUser {
        try UserDatabase(passwd: Array(passwd.utf8), group: Array(group.utf8)).resolve(text)
    }

    @Test(
        "each form of a user gives uid, gid, groups and home",
        arguments: [
            ("", ResolvedUser(uid: 0, gid: 0, supplementaryGroups: [6], home: "/root")),
            ("0", ResolvedUser(uid: 0, gid: 0, supplementaryGroups: [6], home: "/root")),
            ("root", ResolvedUser(uid: 0, gid: 0, supplementaryGroups: [6], home: "/root")),
            ("app", ResolvedUser(uid: 1000, gid: 1001, supplementaryGroups: [6, 44, 500], home: "/home/app")),
            ("1000", ResolvedUser(uid: 1000, gid: 1001, supplementaryGroups: [6, 44, 500], home: "/home/app")),
            ("01000", ResolvedUser(uid: 1000, gid: 1001, supplementaryGroups: [6, 44, 500], home: "/home/app")),
            ("4242", ResolvedUser(uid: 4242, gid: 0, home: "/")),
            ("12", ResolvedUser(uid: 12, gid: 0, home: "/")),
            ("app:disk", ResolvedUser(uid: 1000, gid: 6, home: "/home/app")),
            ("app:7", ResolvedUser(uid: 1000, gid: 7, home: "/home/app")),
            ("app:99", ResolvedUser(uid: 1000, gid: 99, home: "/home/app")),
            ("1000:disk", ResolvedUser(uid: 1000, gid: 6, home: "/home/app")),
            ("4242:4343", ResolvedUser(uid: 4242, gid: 4343, home: "/")),
            (":disk", ResolvedUser(uid: 0, gid: 6, home: "/root")),
            ("odd.name-$", ResolvedUser(uid: 3, gid: 4, home: "/odd")),
            ("short", ResolvedUser(uid: 5, gid: 6, home: "/short")),
            ("4294967294:4294967294", ResolvedUser(uid: 4_294_967_294, gid: 4_294_967_294, home: "/")),
        ])
    func forms(text: String, expected: ResolvedUser) throws {
        let user = try Self.resolve(text)
        #expect(user.uid == expected.uid)
        #expect(user.gid == expected.gid)
        #expect(user.supplementaryGroups.filter { $0 != 0 } == expected.supplementaryGroups)
        #expect(user.home == expected.home)
    }

    @Test("the primary group is one of the process's groups, once, and the first (CVE-2022-36109)")
    func primaryGroup() throws {
        #expect(try Self.resolve("app").groups == [1001, 6, 44, 500])
        #expect(try Self.resolve("root").groups == [0, 6])
        #expect(try Self.resolve("4242:4343").groups == [4343])
    }

    @Test(
        "what is neither a name of the image nor a number in range is refused, and never root",
        arguments: [
            "nobody", "App", "app ", " app", "-1", "+5", "0x0", "1000-2000", "4294967295", "4294967296", "18446744073709551616",
            "99999999999999999999999999", "\u{0660}", "app\n", "x", "short\0", "1e3",
        ])
    func unknownUsers(text: String) {
        expectInvalid("user \"") { try Self.resolve(text) }
    }

    @Test("so are groups", arguments: ["nogroup", "", " 6", "-1", "4294967295", "4294967296", "x:0", "0:0", "disk:", "+1"])
    func unknownGroups(text: String) {
        expectInvalid("user \"") { try Self.resolve("app:\(text)") }
        expectInvalid("user \"") { try Self.resolve("1000:\(text)") }
    }

    @Test("without the files, numbers work and names don't", arguments: ["0", "1000", "1000:1000", ":5", ""])
    func withoutFiles(text: String) throws {
        let user = try Self.resolve(text, passwd: "", group: "")
        #expect(user.home == "/")
        #expect(user.supplementaryGroups == [])
        expectInvalid("/etc/passwd") { try Self.resolve("root", passwd: "", group: "") }
        expectInvalid("/etc/group") { try Self.resolve("0:root", passwd: "", group: "") }
    }

    @Test(
        "a line that is not whole is no entry, and hides none that follows",
        arguments: [
            "app", "app:", "app:x", "app:x:", "app:x::1::/h:", "app:x:1", "app:x:1:", "app:x:1:1", "app:x:1:1:", ":x:1:1::/h:",
            "app:x:-1:1::/h:",
            "app:x:4294967295:1::/h:", "app:x:4294967296:1::/h:", "app:x: 1:1::/h:", "app:x:1 :1::/h:", "app:x:0x1:1::/h:",
            "app:x:00000000001:1::/h:", "#app:x:1:1::/h:", " app:x:1:1::/h:", "app\0:x:1:1::/h:", "app:x:\u{0661}:1::/h:",
            "+app:x:1:1::/h:",
        ])
    func garbledPasswd(line: String) throws {
        let user = try Self.resolve("app", passwd: "\(line)\n\n:::::::\n\u{0}\napp:x:1000:1001::/home/app:\n")
        #expect(user.uid == 1000)
        #expect(user.gid == 1001)
    }

    @Test("carriage returns belong to the last field: a file with CRLF lines gives no other uid (X-16)")
    func carriageReturns() throws {
        let user = try Self.resolve(
            "app", passwd: "root:x:0:0::/root:/bin/sh\r\napp:x:1000:1001::/home/app:/bin/sh\r\n",
            group: "disk:x:6:app\r\nvideo:x:7:app,b\r\n")
        #expect(user == ResolvedUser(uid: 1000, gid: 1001, supplementaryGroups: [7], home: "/home/app"))
        // A name alone on a CRLF line keeps its carriage return, as the C library reads it.
        expectInvalid("no such user") { try Self.resolve("app", passwd: "app:x:1000:1001\r\n") }
    }

    @Test("bytes that are not UTF-8 end nothing")
    func notUTF8() throws {
        let passwd: [UInt8] = [0xFF, 0xFE, 0x0A] + Array("app:x:1000:1001:".utf8) + [0xC3, 0x28] + Array(":/h\n".utf8)
        let user = try UserDatabase(passwd: passwd, group: [0x80, 0x0A]).resolve("app")
        #expect(user.uid == 1000)
    }

    @Test("a home that is no clean absolute path is /", arguments: ["", "home", "~", "/a\tb", "/a\u{7F}", "/a\u{1B}[2J", "/a\rb"])
    func homes(home: String) throws {
        #expect(try Self.resolve("app", passwd: "app:x:1:1::\(home):\n").home == "/")
    }

    @Test("a home that is not UTF-8 is /")
    func homeBytes() throws {
        let passwd = Array("app:x:1:1::/h".utf8) + [0xFF] + Array(":\n".utf8)
        #expect(try UserDatabase(passwd: passwd, group: []).resolve("app").home == "/")
    }
}
