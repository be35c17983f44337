// SPDX-License-Identifier: Apache-2.0

import Glibc
import Layers
import Linux
import OCI
import SystemPackage
import Tar
import TestSupport
import Testing

/// Layers that want more than there is.
@Suite(.asRoot) struct LimitTests {
    /// Runs the body with a small filesystem that is mounted nowhere and gone afterwards.
    private func withFilesystem<Value>(_ options: [String: String], _ body: (FilePath) throws -> Value) throws -> Value {
        let context = try FilesystemContext("tmpfs")
        for (key, value) in options { try context.set(key, value) }
        let mount = try context.mount()
        return try body(FilePath("/proc/self/fd/\(mount.descriptor.raw)/."))
    }

    /// A file of a gigabyte of zeros in 40 KiB of Zstandard.
    private func bomb() throws -> (blob: [UInt8], expectation: LayerExpectation) {
        let header = try TarWriter.header(TarEntry(path: [0x61], kind: .file, size: 1 << 30))
        let blob = try withDirectory(inMemory: true) { directory in
            let file = try openFile(directory.appending("header"), O_WRONLY | O_CREAT, mode: 0o600)
            try header.span.withUnsafeBytes { bytes throws(KernelError) in try writeAll(file, bytes, object: "header") }
            return try run(["sh", "-c", "(cat header; head -c 1073742848 /dev/zero) | zstd -q -1 -c"], in: directory)
        }
        #expect(blob.count < 200_000)
        // Never reached.
        return (blob, LayerExpectation(digest: digest(blob), size: Int64(blob.count), diffID: DiffID(digest(blob)), mediaType: nil))
    }

    @Test("a bomb ends where the filesystem does, with the reason")
    func bombOnFullDisk() throws {
        let (blob, expectation) = try bomb()
        try withFilesystem(["size": "32m"]) { place in
            do {
                _ = try LayerExtractor.extract(from: BlobSource(blob), expecting: expectation, into: place)
                Issue.record("taken")
            } catch { #expect((error as? LayerError)?.isOutOfSpace ?? false, "\(error)") }
        }
    }

    @Test("a bomb ends before the reserve is used up")
    func bombAtReserve() throws {
        let (blob, expectation) = try bomb()
        try withFilesystem(["size": "128m"]) { place in
            do {
                _ = try LayerExtractor.extract(
                    from: BlobSource(blob), expecting: expectation, into: place, limits: ExtractionLimits(reserveBytes: 64 << 20))
                Issue.record("taken")
            } catch {
                guard case .notEnoughBytes(_, _, 64 << 20)? = error as? LayerError else { throw error }
            }
            // It is looked for the more often the nearer it is.
            #expect(try filesystemStatistics(place).freeBytes >= 60 << 20)
        }
    }

    @Test("empty files end where the inodes do, or at their reserve")
    func inodes() throws {
        let tar = try archive((0..<3000).map { .file("\($0)") })
        try withFilesystem(["size": "32m", "nr_inodes": "500"]) { place in
            do {
                _ = try extract(tar, into: place)
                Issue.record("taken")
            } catch { #expect((error as? LayerError)?.isOutOfSpace ?? false, "\(error)") }
        }
        try withFilesystem(["size": "32m", "nr_inodes": "4000"]) { place in
            do {
                _ = try extract(tar, into: place, limits: ExtractionLimits(reserveInodes: 1500))
                Issue.record("taken")
            } catch {
                guard case .notEnoughInodes(_, _, 1500)? = error as? LayerError else { throw error }
            }
            #expect(try filesystemStatistics(place).freeInodes >= 1400)
        }
    }

    @Test("what fits is taken, and its reserve respected")
    func fits() throws {
        let tar = try archive((0..<1500).map { .file("\($0)", "x") } + [.file("large", String(repeating: "x", count: 20 << 20))])
        try withFilesystem(["size": "64m", "nr_inodes": "4000"]) { place in
            let facts = try extract(tar, into: place, limits: ExtractionLimits(reserveBytes: 16 << 20, reserveInodes: 1000))
            #expect(facts.inodes == 1502)
        }
    }

    @Test("a copy of a lower layer's file that would take the reserve is not begun, and the error says what it needs")
    func fixupAtReserve() throws {
        try withFilesystem(["size": "64m"]) { place in
            let stack = try Stack(place, [[.file("large", String(repeating: "x", count: 20 << 20))], [.hardLink("again", "large")]])
            let fixup = try makeDirectory(place.appending("fixup"))
            let error = #expect(throws: LayerError.self) {
                try FixupBuilder.build(stack: stack.layers, into: fixup, limits: ExtractionLimits(reserveBytes: 32 << 20))
            }
            guard case .notEnoughBytes(let needed, let free, let reserve)? = error else { throw Failure("\(error as Any)") }
            #expect((needed, reserve) == (20 << 20, 32 << 20))
            #expect(free > 40 << 20)
            #expect(try openFile(fixup, O_RDONLY | O_DIRECTORY).entries(of: "fixup").isEmpty)
            let isMade = try FixupBuilder.build(stack: stack.layers, into: fixup, limits: ExtractionLimits(reserveBytes: 16 << 20))
            #expect(isMade)
        }
    }

    @Test("a size that is not there is a cut stream, and takes no memory", arguments: [1 << 20, 1 << 40, (1 << 62)] as [UInt64])
    func lyingSizes(size: UInt64) throws {
        try withDirectory(inMemory: true) { directory in
            var header = try TarWriter.header(TarEntry(path: [0x61], kind: .file))
            header.replaceSubrange(124..<136, with: [0x80, 0, 0, 0] + withUnsafeBytes(of: size.bigEndian) { Array($0) })
            repairChecksum(&header)
            let tar = header
            #expect(throws: LayerError.tar(.truncated(offset: 512))) { try extract(tar, into: directory) }
        }
    }

    // MARK: Sparse files

    @Test("another layer's name for a file that is mostly a hole costs as little as the file: zeros must not fill the disk")
    func sparseBelow() throws {
        let size: UInt64 = 4 << 30
        try withDirectory { directory in
            let file = Member.sparse("big", size: size, [(5000, "one"), (2 << 30, "two"), (size - 70_000, "three")])
            let stack = try Stack(directory, [[file], [.hardLink("again", "big")]])
            let fixup = try openFile(try #require(try stack.lowerdirs().first), O_RDONLY | O_DIRECTORY)
            let copy = try #require(try fixup.status(Array("again".utf8)))
            #expect(copy.size == Int64(size) && copy.links == 2)
            #expect(copy.blocks < 200)
            let content = try fixup.open(Array("again".utf8), O_RDONLY)
            for (offset, text) in [(5000, "one"), (2 << 30, "two"), (Int(size) - 70_000, "three"), (6000, "\0")] {
                var bytes = [UInt8](repeating: 1, count: text.utf8.count)
                #expect(pread(content.raw, &bytes, bytes.count, off_t(offset)) == bytes.count)
                #expect(bytes == Array(text.utf8))
            }
        }
    }

    @Test("sparse files are whole and stay sparse, in each of tar's forms", arguments: ["gnu", "pax 0.0", "pax 0.1", "pax 1.0"])
    func sparse(form: String) throws {
        let words = form.split(separator: " ")
        let options = words[0] == "gnu" ? ["--format=gnu"] : ["--format=pax", "--sparse-version=\(words[1])"]
        try withDirectory { directory in
            let script = """
                def parts(name, places, size):
                    with open(name, 'wb') as file:
                        for place in places:
                            file.seek(place)
                            file.write(b'part %d' % place)
                        file.truncate(size)
                parts('many', [1000000 * i for i in range(60)], 1 << 26)
                parts('tail', [(1 << 26) - 13], 1 << 26)
                parts('none', [], 1 << 26)
                """
            try run(["python3", "-c", script], in: directory)
            let tar = try run(["tar", "-c", "--sparse"] + options + ["many", "tail", "none"], in: directory)
            #expect(tar.count < 2 << 20)
            let place = try makeDirectory(directory.appending("layer"))
            _ = try extract(tar, into: place)
            for name in ["many", "tail", "none"] {
                try run(["cmp", name, "layer/\(name)"], in: directory)
                let status = try #require(try openFile(place, O_RDONLY | O_DIRECTORY).status(Array(name.utf8)))
                #expect(status.size == 1 << 26)
                #expect(status.blocks * 512 < 4 << 20)
            }
        }
    }

    @Test("a hole of 2^40 bytes takes no space; a file that no filesystem can hold is refused")
    func holes() throws {
        func tar(size: UInt64) throws -> [UInt8] {
            let records = [("GNU.sparse.major", "0"), ("GNU.sparse.size", "\(size)"), ("GNU.sparse.map", "\(size - 3),3")].flatMap {
                key, value in
                let body = " \(key)=\(value)\n"
                let length = body.utf8.count + (body.utf8.count + 2 > 99 ? 3 : 2)
                return Array("\(length)\(body)".utf8)
            }
            var pax = try TarWriter.header(TarEntry(path: Array("pax".utf8), kind: .file, size: UInt64(records.count)))
            pax[156] = UInt8(ascii: "x")
            repairChecksum(&pax)
            return try pax + records + TarWriter.padding(after: UInt64(records.count)) + archive([.file("s", "abc")])
        }
        try withDirectory { directory in
            let facts = try extract(tar(size: 1 << 40), into: directory)
            #expect(facts.diskBytes < 1 << 20)
            let status = try #require(try openFile(directory, O_RDONLY | O_DIRECTORY).status([0x73]))
            #expect(status.size == 1 << 40)
        }
        try withDirectory { directory in
            let huge = try tar(size: 1 << 62)
            #expect(throws: LayerError.self) { try extract(huge, into: directory) }
        }
    }
}
