// SPDX-License-Identifier: Apache-2.0

import Containers
import Glibc
import Linux
import SystemPackage
import Testing

/// Copies into containers and out of them, with GNU tar at this end.
enum FileTools {
    /// Nothing that could be in a container otherwise.
    static let secret = Array("a secret of the host's \(UInt64.random(in: 0 ... .max))".utf8)

    /// A tar of GNU tar's, of a directory of ours.
    static func tar(_ node: TestNode, _ files: [String: String]) throws -> [UInt8] {
        let directory = node.base.appending("tar-\(UInt32.random(in: 0 ... .max))")
        for (name, content) in files {
            let path = directory.pushing(FilePath(name))
            try Files.makeDirectories(path.removingLastComponent())
            try replaceFile(path, with: Array(content.utf8), mode: 0o644)
        }
        let archive = FilePath(directory.string + ".tar")
        try Self.run(["/bin/tar", "-C", directory.string, "-cf", archive.string, "."])
        return try readFile(archive, limit: 64 << 20)
    }

    static func run(_ words: [String]) throws {
        let pid = try spawn(FilePath(words[0]), arguments: words, environment: ["PATH=/usr/bin:/bin"], descriptors: [])
        var status: CInt = 0
        while waitpid(pid, &status, 0) == -1, errno == EINTR {}
        #expect(status == 0, "\(words)")
    }

    static func whole(_ session: FilesSession) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await session.next() { bytes += piece }
        return bytes
    }

    /// The archive as files.
    static func unpack(_ bytes: [UInt8], _ node: TestNode) throws -> FilePath {
        let directory = node.base.appending("out-\(UInt32.random(in: 0 ... .max))")
        try makeDirectory(directory, mode: 0o755)
        let archive = FilePath(directory.string + ".tar")
        try replaceFile(archive, with: bytes)
        try run(["/bin/tar", "-C", directory.string, "-xf", archive.string])
        return directory
    }

    static func put(_ bytes: [UInt8], _ container: Container, _ path: String, _ node: TestNode, keeping: Bool = false) async throws {
        let session = try await node.service.extract(container, into: path, keepingOwners: keeping)
        var rest = bytes[...]
        while !rest.isEmpty {
            guard try await session.write(Array(rest.prefix(1 << 16))) else { break }
            rest = rest.dropFirst(1 << 16)
        }
        try await session.finish()
    }

    static func ready(_ container: Container) async throws {
        try await eventually("it is ready") {
            (try? Files.read(container.paths.log.appending("container.log")).contains("ready")) == true
        }
    }

    /// As `diff` shows them.
    static func changes(_ node: TestNode, _ container: Container) async throws -> [String] {
        try await whole(node.service.changes(container)).split(separator: 0).map { record in
            let text = String(decoding: record, as: UTF8.self)
            return "\(text.prefix(1)) \(text.dropFirst())"
        }
    }
}
