// SPDX-License-Identifier: Apache-2.0

import Glibc
import Layers
import Linux
import SystemPackage
import Tar
import Testing

@Suite(.asRoot, .overlay) struct KindTests {
    /// A capability in the kernel's form, version 2: CAP_NET_RAW, effective.
    private static let capability: [UInt8] = [1, 0, 0, 2, 0, 0x20] + [UInt8](repeating: 0, count: 14)

    private static func attribute(_ key: String, _ value: [UInt8]) -> TarEntry.Attribute {
        TarEntry.Attribute(key: Array(key.utf8), value: value)
    }

    /// Checks the extracted tree, and the mounted one, against what the model says of these entries.
    private func expectExact(_ members: [Member], _ location: SourceLocation = #_sourceLocation) throws {
        try withDirectory { directory in
            var model = ModelTree()
            try model.apply(members)
            let stack = try Stack(directory, [members])
            try expectSame(model.listing(), list(stack.layers[0].directory), location)
            try expectSame(model.listing(), stack.merged(), location)
            #expect(stack.layers[0].facts.warnings == [], sourceLocation: location)
        }
    }

    private static func kinds(_ name: String) -> [Member] {
        [
            .file("file-\(name)", "content"), .file("empty-\(name)"), .directory("dir-\(name)"), .fifo("fifo-\(name)"),
            .character("node-\(name)", 1, 3),
        ]
    }

    @Test("each type is made, with its device number")
    func types() throws {
        try expectExact([
            .file("file", "content"), .file("empty"), .directory("directory"), .symlink("link", "../anywhere/at all"), .fifo("fifo"),
            .character("null", 1, 3), .character("largest", 4095, 255), .block("loop", 7, 200), .hardLink("second", "file"),
            .hardLink("linked link", "link"), .hardLink("linked fifo", "fifo"), .character("zero minor", 5, 0), .block("zero", 0, 0),
        ])
    }

    @Test("modes are exact: setuid, setgid, sticky, none at all, with an owner and with content or without")
    func modes() throws {
        let modes: [UInt32] = [0, 0o1, 0o400, 0o555, 0o644, 0o755, 0o1777, 0o2755, 0o4755, 0o6755, 0o7777]
        try expectExact(
            modes.flatMap { mode in
                [(0, 0), (1000, 0), (0, 1000), (65_534, 65_534)].flatMap { (uid: UInt64, gid: UInt64) in
                    Self.kinds("\(mode)-\(uid)-\(gid)").each { ($0.mode, $0.uid, $0.gid) = (mode, uid, gid) }
                }
            })
    }

    @Test("what is in a directory without permissions, or with setgid, is made all the same")
    func closedDirectories() throws {
        try expectExact([
            .directory("closed", mode: 0), .file("closed/file", "content"), .directory("closed/inner", mode: 0o111),
            .directory("group", mode: 0o2770).with { $0.gid = 77 }, .file("group/file", "content"), .directory("group/inner"),
        ])
    }

    @Test("owners up to 2^32-2 are exact", arguments: [1, 65_534, 100_000, 1 << 31, (1 << 32) - 2] as [UInt64])
    func owners(id: UInt64) throws {
        try expectExact(
            ([.file("file", "x", mode: 0o4755), .directory("dir"), .symlink("link", "x"), .fifo("fifo")] as [Member])
                .each { ($0.uid, $0.gid) = (id, id == 1 ? 0 : id) })
    }

    @Test(
        "owners that the kernel would take for something else are refused, and no setuid file is left",
        arguments: [(1 << 32) - 1, 1 << 32, (1 << 32) + 1000, 1 << 63, .max] as [UInt64])
    func badOwners(id: UInt64) throws {
        for owner in [(id, 0), (0, id)] as [(UInt64, UInt64)] {
            for member: Member in [.file("x", "y", mode: 0o4755), .directory("x"), .symlink("x", "y"), .fifo("x"), .directory(".")] {
                try withDirectory(inMemory: true) { directory in
                    #expect(throws: LayerError.self) {
                        try extract([member.with { ($0.uid, $0.gid) = owner }], into: directory)
                    }
                    let left = try list(directory)
                    #expect(left.count == 1)
                }
            }
        }
    }

    @Test(
        "device numbers that the kernel can't have, or that overlayfs takes for deletions, are refused",
        arguments: [(0, 0), (4096, 0), (0, 1 << 20), (1 << 32, 0), ((1 << 32) + 1, 3), (1, (1 << 32) + 3), (.max, .max)]
            as [(UInt64, UInt64)])
    func badDevices(major: UInt64, minor: UInt64) throws {
        try withDirectory(inMemory: true) { directory in
            // Larger than a ustar field: as GNU tar would write them.
            let small = [major, minor].map { $0 > 0o7777777 ? 0 : $0 }
            var header = try TarWriter.header(Member.character("null", small[0], small[1]).entry)
            for (offset, number) in [(329, major), (337, minor)] where number > 0o7777777 {
                header.replaceSubrange(offset..<(offset + 8), with: withUnsafeBytes(of: (number | 1 << 63).bigEndian) { Array($0) })
            }
            repairChecksum(&header)
            #expect(throws: LayerError.self) { try extract(header + TarWriter.end, into: directory) }
            #expect(try list(directory).count == 1)
        }
    }

    @Test("times are exact to the nanosecond, before 1970 and after 2038, of directories with late entries, too")
    func times() throws {
        let times: [(Int64, Int64)] = [
            (0, 0), (0, 1), (-1, 999_999_999), (-2_000_000_000, 5), (1_700_000_000, 123_456_789), (1 << 32, 0), (1 << 33, 7),
        ]
        try expectExact(
            times.enumerated().flatMap { index, time in
                (Self.kinds("\(index)") + [
                    .directory("d\(index)"), .directory("d\(index)/dir"), .symlink("d\(index)/link", "x"), .directory("."),
                ])
                .each { ($0.modifiedSeconds, $0.modifiedNanoseconds) = time }
            } + [.file("d0/dir/late", "x"), .file("d1/dir/late", "x")])
    }

    @Test("attributes are kept: capabilities behind chown, large, empty and binary ones, of directories and links")
    func attributes() throws {
        try expectExact([
            Member.file("ping", "x", mode: 0o6755).with {
                ($0.uid, $0.gid) = (1, 1)
                $0.attributes = [
                    Self.attribute("security.capability", Self.capability), Self.attribute("user.a", [0, 1, 0x0A, 0x3D, 0xFF]),
                ]
            },
            Member.file("empty", mode: 0o755).with { $0.attributes = [Self.attribute("security.capability", Self.capability)] },
            Member.file("many", "x").with {
                $0.attributes = (0..<20).map { Self.attribute("user.\($0)", Array("value \($0)".utf8)) }
            },
            Member.directory("d", mode: 0o1700).with {
                $0.attributes = [Self.attribute("user.large", [UInt8](repeating: 7, count: 2000)), Self.attribute("trusted.t", [])]
            },
            Member.symlink("link", "nowhere").with { $0.attributes = [Self.attribute("trusted.t", [1])] },
            Member.fifo("fifo").with { $0.attributes = [Self.attribute("trusted.t", [2])] },
            Member.file("\u{e4}", "x").with { $0.attributes = [Self.attribute("user.\u{e4} x", [1])] },
            Member.directory(".", mode: 0o750).with { $0.attributes = [Self.attribute("user.root", [1])] },
        ])
    }

    @Test("an attribute that can't be kept is noted; without its capability a program is refused")
    func lostAttributes() throws {
        try withDirectory { directory in
            let facts = try extract(
                [
                    Member.symlink("link", "x").with { $0.attributes = [Self.attribute("user.a", [1])] },
                    Member.file("file").with { $0.attributes = [Self.attribute("com.apple.quarantine", [1])] },
                ], into: directory)
            #expect(facts.warnings.count == 2)
            #expect(facts.warnings.first?.contains("link") ?? false)
        }
        try withDirectory { directory in
            let broken = Member.file("ping").with { $0.attributes = [Self.attribute("security.capability", [1, 2, 3])] }
            #expect(throws: LayerError.self) { try extract([broken], into: directory) }
        }
    }

    @Test("modes don't depend on the umask of the process", arguments: [0, 0o022, 0o077, 0o777] as [mode_t])
    func umasks(mask: mode_t) throws {
        try withDirectory { directory in
            let members: [Member] = [
                .file("f", "x", mode: 0o666), .file("s", "x", mode: 0o4777), .directory("d", mode: 0o777), .file("implied/f", mode: 0o755),
                Member.fifo("p").with { $0.mode = 0o666 }, Member.character("n", 1, 3).with { $0.mode = 0o666 },
            ]
            try onThread {
                // The umask belongs to what CLONE_FS shares: this thread has its own from here on.
                try unshareNamespaces(Namespaces(rawValue: 0x200))
                _ = umask(mask)
                try extract(members, into: directory)
            }
            var model = ModelTree()
            try model.apply(members)
            try expectSame(model.listing(), list(directory))
        }
    }
}
