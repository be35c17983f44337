// SPDX-License-Identifier: Apache-2.0

import APITypes
import Client
import Testing

@Suite struct MountFlagTests {
    struct Bind: Sendable {
        var text: String
        var source: String
        var target = "/in"
        var readOnly = false
        var options: [String] = []
    }

    @Test(
        "-v takes a host path, a container path and options",
        arguments: [
            Bind(text: "/src:/in", source: "/src"),
            Bind(text: "/src:/in:ro", source: "/src", readOnly: true),
            Bind(text: "/src:/in:rw", source: "/src"),
            Bind(text: "/src:/in:ro,rslave", source: "/src", readOnly: true, options: ["rslave"]),
            Bind(text: "/src:/in:nosuid,nodev,noexec", source: "/src", options: ["nosuid", "nodev", "noexec"]),
            Bind(text: "./data:/in", source: "/home/me/data"),
            Bind(text: ".:/in", source: "/home/me"),
            Bind(text: "../you:/in", source: "/home/you"),
            Bind(text: "/with blank/é:/in", source: "/with blank/é"),
        ])
    func bind(case bind: Bind) throws {
        let mount = try MountFlag.bind(bind.text, workingDirectory: "/home/me")
        #expect(
            mount
                == MountRequest(type: .bind, source: bind.source, target: bind.target, readOnly: bind.readOnly, options: bind.options))
    }

    @Test(
        "-v refuses what would be guessed at, dropped or contradicted",
        arguments: [
            ("", "without a source"), ("/data", "without a source"), ("data:/in", "named volumes"), ("~/data:/in", "named volumes"),
            ("/src:in", "absolute path"), (":/in", "absolute path"), ("/src:", "absolute path"), ("/a:/b:ro:rw", "absolute path"),
            ("/src:/in:", "no option \"\""), ("/src:/in:readonly", "no option \"readonly\""), ("/src:/in:ro,", "no option \"\""),
            ("/src:/in:z", "SELinux"), ("/src:/in:ro,Z", "SELinux"), ("/src:/in:ro,rw", "contradict"),
            ("/src:/in:rshared,rprivate", "contradict"), ("/src:/in:\u{1b}[2J", "\\x1b[2J"),
        ])
    func badBind(text: String, word: String) throws {
        let error = try #require(throws: UsageError.self) { try MountFlag.bind(text, workingDirectory: "/") }
        #expect(error.message.contains(word))
        #expect(!error.message.unicodeScalars.contains("\u{1b}"))
    }

    @Test(
        "--tmpfs takes a path and tmpfs's own options",
        arguments: [
            ("/tmp", false, []), ("/run:size=64m,mode=1777", false, ["size=64m", "mode=1777"]), ("/t:ro", true, []),
            ("/t:size=50%,uid=1000,gid=0,exec", false, ["size=50%", "uid=1000", "gid=0", "exec"]),
            ("/t:nr_inodes=1k", false, ["nr_inodes=1k"]),
        ] as [(String, Bool, [String])])
    func tmpfs(text: String, readOnly: Bool, options: [String]) throws {
        let target = String(text.prefix { $0 != ":" })
        #expect(try MountFlag.tmpfs(text) == MountRequest(type: .tmpfs, target: target, readOnly: readOnly, options: options))
    }

    @Test(
        "--tmpfs refuses other options and values",
        arguments: [
            "", "tmp", ":size=1m", "/t:", "/t:size", "/t:size=", "/t:size=1.5g", "/t:size=-1", "/t:mode=999", "/t:mode=01777x",
            "/t:uid=root", "/t:huge=always", "/t:size=1m,,exec", "/t:context=x",
        ])
    func badTmpfs(text: String) { #expect(throws: UsageError.self) { try MountFlag.tmpfs(text) } }
}
