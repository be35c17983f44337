// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import Glibc
internal import Linux
internal import SystemPackage

/// Whose file it is, and of which version, found out without changing anything.
struct DatabaseHeader {
    var isEmpty: Bool
    var applicationID: Int32
    var version: Int

    /// Without a log the file's own header tells; with one, only SQLite can. Source: sqlite.org/fileformat.html, 1.3.
    static func read(_ path: FilePath) throws(MetadataError) -> DatabaseHeader {
        let start: [UInt8]?
        do throws(KernelError) {
            start = try hasLog(path) ? nil : readStart(path)
        } catch {
            throw .kernel(error)
        }
        guard let start else { return try ask(path) }
        return try start.isEmpty ? DatabaseHeader(isEmpty: true, applicationID: 0, version: 0) : parse(start, path)
    }

    /// - Returns: how many of the schema's scripts were run.
    func schemaVersion(_ path: FilePath) throws(MetadataError) -> Int {
        if isEmpty { return 0 }
        guard applicationID == Schema.applicationID else { throw .foreignFile(path: path) }
        if version > Schema.version { throw .newerSchema(path: path, found: version, known: Schema.version) }
        return version
    }

    private static func hasLog(_ path: FilePath) throws(KernelError) -> Bool {
        do throws(KernelError) {
            return try openFile(FilePath(path.string + "-wal"), O_RDONLY | O_NOFOLLOW).status().size > 0
        } catch  where error.errno == .noSuchFileOrDirectory {
            return false
        }
    }

    /// The header's 100 bytes, or what there is.
    private static func readStart(_ path: FilePath) throws(KernelError) -> [UInt8] {
        let file = try openFile(path, O_RDONLY | O_NOFOLLOW)
        let raw = file.raw
        var bytes = [UInt8](repeating: 0, count: 100)
        var span = bytes.mutableSpan
        let count = try span.withUnsafeMutableBytes { buffer throws(KernelError) in
            try kernel("pread(2)", path.string) { pread(raw, buffer.baseAddress, buffer.count, 0) }
        }
        return Array(bytes[..<count])
    }

    private static func parse(_ bytes: [UInt8], _ path: FilePath) throws(MetadataError) -> DatabaseHeader {
        guard bytes.count == 100, bytes.starts(with: Array("SQLite format 3\0".utf8)) else { throw .foreignFile(path: path) }
        func number(at offset: Int) -> UInt32 { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) } }
        return DatabaseHeader(isEmpty: false, applicationID: Int32(bitPattern: number(at: 68)), version: Int(number(at: 60)))
    }

    /// A process that was killed left a log. Reading it leaves it as it is.
    private static func ask(_ path: FilePath) throws(MetadataError) -> DatabaseHeader {
        var configuration = Configuration()
        configuration.readonly = true
        do {
            let queue = try DatabaseQueue(path: path.string, configuration: configuration)
            let header = try queue.read { db in
                DatabaseHeader(
                    isEmpty: try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0,
                    applicationID: try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0,
                    version: try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0)
            }
            try queue.close()
            return header
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
            throw .foreignFile(path: path)
        } catch {
            throw MetadataError(error, "look at \(path)")
        }
    }
}
