// SPDX-License-Identifier: Apache-2.0

import Client
import Foundation
import Linux
import SystemPackage
import TestSupport
import Testing

/// What `load` would send, given to the real tar.
@Suite struct UploadTests {
    private let scratch: Scratch
    init() throws { scratch = try Scratch() }

    private func bytes(_ input: FilePath, piece: Int = 1000) throws -> [UInt8] {
        var upload = try ArchiveUpload(input)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: piece)
        while true {
            let count = try buffer.withUnsafeMutableBytes { try upload.read(into: $0) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    private func tar(_ arguments: String..., archive: [UInt8]) throws -> String {
        try Data(archive).write(to: scratch.url.appending(path: "sent.tar"))
        let outcome = try command(["tar"] + arguments + ["-f", scratch.path("sent.tar").string], environment: ["LC_ALL": "C"])
        #expect(outcome.code == 0)
        return outcome.output + outcome.errors
    }

    private func makeLayout() throws {
        try FileManager.default.createDirectory(at: scratch.url.appending(path: "layout/blobs/sha256"), withIntermediateDirectories: true)
        try scratch.write(#"{"imageLayoutVersion":"1.0.0"}"#, "layout/oci-layout")
        try scratch.write("", "layout/blobs/sha256/empty")
        try scratch.write(String(repeating: "x", count: 512), "layout/blobs/sha256/block")
        try scratch.write(String(repeating: "y", count: 70_001), "layout/blobs/sha256/odd")
    }

    @Test("a layout's directory is sent as a tar that tar reads, byte for byte", arguments: [1, 511, 512, 1 << 18])
    func directory(piece: Int) throws {
        try makeLayout()
        let archive = try bytes(scratch.path("layout"), piece: piece)
        #expect(archive.count.isMultiple(of: 512))
        let names = try tar("-t", archive: archive)
        #expect(names == "blobs/sha256/block\nblobs/sha256/empty\nblobs/sha256/odd\noci-layout\n")
        try FileManager.default.createDirectory(at: scratch.url.appending(path: "out"), withIntermediateDirectories: true)
        _ = try tar("-x", "-C", scratch.path("out").string, archive: archive)
        for name in ["oci-layout", "blobs/sha256/block", "blobs/sha256/empty", "blobs/sha256/odd"] {
            #expect(try scratch.read("out/\(name)") == scratch.read("layout/\(name)"))
        }
    }

    @Test("links in a layout are followed, pipes passed over, a loop refused")
    func links() throws {
        try makeLayout()
        try scratch.write("linked", "elsewhere")
        let link = { (name: String, to: String) in
            try FileManager.default.createSymbolicLink(atPath: scratch.path("layout/" + name).string, withDestinationPath: to)
        }
        try link("blobs/sha256/link", "../../../elsewhere")
        mkfifo(scratch.path("layout/pipe").string, 0o600)
        let archive = try bytes(scratch.path("layout"))
        #expect(try tar("-x", "-O", "blobs/sha256/link", archive: archive) == "linked")
        #expect(try !tar("-t", archive: archive).contains("pipe"))
        try link("loop", ".")
        #expect(throws: KernelError.self) { try bytes(scratch.path("layout")) }
    }

    @Test("an archive is sent as it is, a name that is not there is an error that names it")
    func file() throws {
        try scratch.write("any bytes", "archive")
        #expect(try bytes(scratch.path("archive"), piece: 4) == Array("any bytes".utf8))
        let error = try #require(throws: KernelError.self) { try bytes(scratch.path("none")) }
        #expect("\(error)".contains("none"))
    }

    @Test("a file that becomes shorter while it is sent is an error, not a shifted archive")
    func shrinks() throws {
        try makeLayout()
        var upload = try ArchiveUpload(scratch.path("layout"))
        try scratch.write("y", "layout/blobs/sha256/odd")
        var buffer = [UInt8](repeating: 0, count: 4096)
        #expect(throws: KernelError.self) {
            while try buffer.withUnsafeMutableBytes({ try upload.read(into: $0) }) > 0 {}
        }
    }

    @Test("a file of more than 8 GiB has a header that tar understands")
    func huge() throws {
        try FileManager.default.createDirectory(at: scratch.url.appending(path: "layout"), withIntermediateDirectories: true)
        let size = (Int64(9) << 30) + 17
        try scratch.write("", "layout/huge")
        try #require(truncate(scratch.path("layout/huge").string, Int(size)) == 0)
        var upload = try ArchiveUpload(scratch.path("layout"))
        var header = [UInt8](repeating: 0, count: 512)
        #expect(try header.withUnsafeMutableBytes { try upload.read(into: $0) } == 512)
        // Only the header: tar complains that the rest is missing, after it has listed the size.
        try Data(header).write(to: scratch.url.appending(path: "sent.tar"))
        let listing = try command(["tar", "-t", "-v", "-f", scratch.path("sent.tar").string]).output
        #expect(listing.contains(" \(size) "))
    }
}
