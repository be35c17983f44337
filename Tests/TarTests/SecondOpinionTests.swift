// SPDX-License-Identifier: Apache-2.0

import Foundation
import Tar
import Testing

/// What Python's tarfile writes is read as Python reads it, and the other way round.
@Suite struct SecondOpinionTests {
    /// Prints an archive's entries in a form that this test makes, too.
    private static let list = """
        import sys, tarfile, hashlib
        for t in tarfile.open(sys.argv[1], 'r:', encoding='utf-8', errors='surrogateescape'):
            data = tarfile.open(sys.argv[1], 'r:', encoding='utf-8', errors='surrogateescape')
            text = lambda s: s.encode('utf-8', 'surrogateescape').hex()
            body = data.extractfile(t.name).read() if t.isreg() else b''
            digest = sum((i + 1) * b for i, b in enumerate(body)) % (1 << 32)
            device = (t.devmajor, t.devminor) if t.ischr() or t.isblk() else (0, 0)
            print(text(t.name.rstrip('/')), t.type.decode(), oct(t.mode & 0o7777), t.uid, t.gid, t.size if t.isreg() else 0, int(t.mtime // 1), text(t.linkname), *device, digest)
        """

    private func listing(_ members: [Member]) -> String {
        members.map { member in
            let entry = member.entry
            func hex(_ bytes: some Sequence<UInt8>) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
            let type = [
                TarEntry.Kind.file: "0", .hardLink: "1", .symlink: "2", .characterDevice: "3", .blockDevice: "4", .directory: "5",
                .fifo: "6",
            ][entry.kind]
            let path = entry.path.last == 0x2F ? entry.path.dropLast() : entry.path[...]
            let digest = member.content.enumerated().reduce(UInt64(0)) { ($0 + UInt64($1.offset + 1) * UInt64($1.element)) % (1 << 32) }
            return [
                hex(path), type ?? "?", "0o" + String(entry.mode, radix: 8), "\(entry.uid)", "\(entry.gid)", "\(entry.size)",
                "\(entry.modifiedSeconds)",
                hex(entry.linkTarget), "\(entry.deviceMajor)", "\(entry.deviceMinor)", "\(digest)",
            ].joined(separator: " ")
        }.joined(separator: "\n") + "\n"
    }

    private func pythonList(_ bytes: [UInt8], _ directory: URL) throws -> String {
        try Data(bytes).write(to: directory.appending(path: "archive.tar"))
        return String(decoding: try run(["python3", "-c", Self.list, "archive.tar"], in: directory), as: UTF8.self)
    }

    @Test("archives by tarfile are read as tarfile reads them", arguments: ["USTAR_FORMAT", "GNU_FORMAT", "PAX_FORMAT"])
    func tarfile(format: String) throws {
        let script = """
            import tarfile, io, sys, random
            random.seed(7)
            out = tarfile.open('archive.tar', 'w:', format=tarfile.\(format), encoding='utf-8', errors='surrogateescape')
            kinds = [tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE]
            ustar = '\(format)' == 'USTAR_FORMAT'
            for i in range(400):
                long = 60 if ustar else 300
                names = ['plain%d' % i, 'd' * 30 + '/' + 'n' * random.randrange(1, long) + str(i), 'uml\\u00e4ut%d' % i, 'bad\\udcff\\udc80%d' % i, ' new\\nline%d' % i]
                t = tarfile.TarInfo(random.choice(names))
                t.type = random.choice(kinds)
                t.mode = random.randrange(0o10000)
                most = 0o7777777 if ustar else 2 ** 32 - 2
                t.uid, t.gid = random.choice([0, 1000, 65534, most]), random.choice([0, 100000, most])
                t.mtime = random.choice([0, 1, 1700000000] + ([] if ustar else [-1, -1000000, 2 ** 35]))
                if '\(format)' == 'PAX_FORMAT': t.mtime = random.choice([t.mtime, t.mtime + 0.5])
                if t.type in (tarfile.LNKTYPE, tarfile.SYMTYPE): t.linkname = random.choice(['target', '../up', 'l' * (90 if ustar else 200)])
                if t.type in (tarfile.CHRTYPE, tarfile.BLKTYPE): t.devmajor, t.devminor = random.randrange(4096), random.randrange(1 << 20)
                body = bytes(random.randrange(256) for _ in range(random.choice([0, 1, 511, 512, 513, 3000]))) if t.type == tarfile.REGTYPE else b''
                t.size = len(body)
                out.addfile(t, io.BytesIO(body))
            out.close()
            """
        try withDirectory { directory in
            _ = try run(["python3", "-c", script], in: directory)
            let bytes = [UInt8](try Data(contentsOf: directory.appending(path: "archive.tar")))
            let members = try read(bytes)
            #expect(members.count == 400)
            let (ours, theirs) = (listing(members).split(separator: "\n"), try pythonList(bytes, directory).split(separator: "\n"))
            #expect(ours.count == theirs.count)
            for (our, their) in zip(ours, theirs) { #expect(our == their) }
        }
    }

    @Test("archives written here are read by tarfile and by GNU tar alike")
    func writer() throws {
        var members = [file("plain", "content"), file("uml\u{e4}ut", "x"), file("long/" + String(repeating: "n", count: 250), "y")]
        for (kind, target) in [
            (TarEntry.Kind.directory, ""), (.symlink, "plain"), (.symlink, String(repeating: "t", count: 200)), (.hardLink, "plain"),
            (.fifo, ""),
        ] {
            members.append(
                Member(entry: TarEntry(path: Array("k\(members.count)".utf8), kind: kind, linkTarget: Array(target.utf8)), content: []))
        }
        var device = TarEntry(path: Array("device".utf8), kind: .characterDevice, mode: 0o4711)
        (device.deviceMajor, device.deviceMinor) = (4095, 1_048_575)
        (device.uid, device.gid, device.modifiedSeconds) = (4_294_967_294, 100_000, 1_700_000_000)
        members.append(Member(entry: device, content: []))
        var early = TarEntry(path: [0x62, 0xFF, 0x0A], kind: .file, mode: 0)
        (early.modifiedSeconds, early.modifiedNanoseconds) = (-2, 500_000_000)
        early.attributes = [TarEntry.Attribute(key: Array("user.a".utf8), value: [0, 1, 0x0A, 0x3D])]
        members.append(Member(entry: early, content: []))
        let bytes = try archive(members)
        #expect(try read(bytes) == members)
        try withDirectory { directory in
            #expect(try pythonList(bytes, directory) == listing(members))
            let names = try run(["tar", "--quoting-style=escape", "-tf", "archive.tar"], in: directory)
            #expect(names.count(where: { $0 == 0x0A }) == members.count)
        }
    }

    @Test("what the format can't say is refused when writing")
    func unsupported() throws {
        var entry = TarEntry(path: Array("s".utf8), kind: .file)
        entry.sparse = []
        #expect(throws: TarError.self) { try TarWriter.header(entry) }
        entry.sparse = nil
        entry.attributes = [TarEntry.Attribute(key: Array("user.a=b".utf8), value: [])]
        #expect(throws: TarError.self) { try TarWriter.header(entry) }
        #expect(throws: TarError.self) { try TarWriter.header(TarEntry(path: [0x61, 0], kind: .file)) }
        var device = TarEntry(path: [0x61], kind: .blockDevice)
        device.deviceMinor = 1 << 21
        #expect(throws: TarError.self) { try TarWriter.header(device) }
        #expect(throws: TarError.self) { try TarWriter.header(TarEntry(path: [0x61], kind: .symlink, linkTarget: [0])) }
    }
}
