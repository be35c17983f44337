// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Metadata
import OCI
import SystemPackage
import Testing

@Suite struct DatabaseTests {
    @Test("the database and its lock are root's alone, whatever the umask is")
    func modes() throws {
        try withDirectory { root in
            let store = try MetadataStore(path: root.appending("meta.db"))
            #expect(try store.layers().isEmpty)
            for name in ["meta.db", "meta.db-wal", "lock"] { #expect(Files.mode(root.appending(name)) & 0o077 == 0, "\(name)") }
        }
    }

    @Test("a database is found again")
    func reopen() throws {
        try withDirectory { root in
            try MetadataStore(path: root.appending("meta.db")).record(BlobRecord(digest: .made("x"), sizeInBytes: 1, mediaType: "t"))
            #expect(try MetadataStore(path: root.appending("meta.db")).blobs().map(\.sizeInBytes) == [1])
        }
    }

    @Test("a database of a newer version is refused, and stays as it is, byte for byte")
    func newer() throws {
        try withDirectory { root in
            let path = root.appending("meta.db")
            _ = try MetadataStore(path: path)
            // The header's user version. Source: sqlite.org/fileformat.html, 1.3.
            try patch(path, at: 60, [0, 0, 0, 99])
            let before = try readFile(path)
            #expect(throws: MetadataError.newerSchema(path: path, found: 99, known: Schema.version)) { try MetadataStore(path: path) }
            #expect(try readFile(path) == before)
            #expect(try Files.names(root).filter { $0 != "lock" } == ["meta.db"])
        }
    }

    @Test("a database of another application is refused")
    func foreignDatabase() throws {
        try withDirectory { root in
            let path = root.appending("meta.db")
            _ = try MetadataStore(path: path)
            try patch(path, at: 68, [1, 2, 3, 4])
            #expect(throws: MetadataError.foreignFile(path: path)) { try MetadataStore(path: path) }
        }
    }

    @Test("a file that is no database is refused")
    func noDatabase() throws {
        try withDirectory { root in
            let path = root.appending("meta.db")
            try Files.write(path, String(repeating: "not a database\n", count: 1000))
            #expect(throws: MetadataError.foreignFile(path: path)) { try MetadataStore(path: path) }
            #expect(try Files.read(path).hasPrefix("not a database\n"))
        }
    }

    @Test("a second process on one root is refused by the first one's pid; the lock ends with its holder")
    func lock() throws {
        try withDirectory { root in
            let path = root.appending("meta.db")
            do {
                let first = try MetadataStore(path: path)
                #expect(throws: MetadataError.rootInUse(lock: root.appending("lock"), by: getpid())) { try MetadataStore(path: path) }
                _ = first
            }
            _ = try MetadataStore(path: path)
        }
    }

    @Test("the lock of a process that was killed is free")
    func lockOfKilled() throws {
        try withDirectory { root in
            try shell(
                """
                flock \(root)/lock sleep 1000 & echo $! > \(root)/pid
                for i in 1 2 3 4 5 6 7 8 9; do flock -n \(root)/lock true || exit 0; sleep 0.1; done; exit 1
                """
            )
            let pid = try #require(Int32(try Files.read(root.appending("pid")).dropLast()))
            #expect(throws: MetadataError.self) { try MetadataStore(path: root.appending("meta.db")) }
            // flock(1) and the sleep that inherited the descriptor.
            try shell("pkill -9 -P \(pid); kill -9 \(pid); while flock -n \(root)/lock true; [ $? -ne 0 ]; do sleep 0.05; done")
            _ = try MetadataStore(path: root.appending("meta.db"))
        }
    }

    private func patch(_ path: FilePath, at offset: Int, _ bytes: [UInt8]) throws {
        var all = try readFile(path)
        all.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        try replaceFile(path, with: all)
    }
}
