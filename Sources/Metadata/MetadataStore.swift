// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import Glibc
internal import Linux
internal import Synchronization
package import SystemPackage

/// What exists on this node, in SQLite: images, references, blobs, layers, containers. The one source of truth; directories and files
/// without a row are leftovers.
///
/// Calls block (about 50 µs; a durable one waits for the disk): make them on a thread that may. Reads see the last finished change and
/// never wait for one. A change is atomic against SIGKILL; a *durable* one also against a power cut: see `change` and `changeDurably`.
package final class MetadataStore: Sendable {
    package let path: FilePath
    private let pool: DatabasePool
    private let lock: RootLock
    /// What operations in flight rely on. Touched on the writer's queue only, so that a claim and a removal never cross.
    let claims = Mutex<[ClaimKey: Int]>([:])

    /// Opens, and makes or brings up to date where needed. `lock` beside the file is held until the store is gone.
    /// - Throws: `MetadataError.rootInUse`, `.newerSchema`, `.foreignFile`: nothing was changed then.
    package init(path: FilePath) throws(MetadataError) {
        self.path = path
        lock = try RootLock(path.removingLastComponent().appending("lock"))
        try Self.createFile(path)
        let found = try DatabaseHeader.read(path).schemaVersion(path)
        let isNew = found == 0
        if isNew { try Self.refuseBesideOldStore(path.removingLastComponent()) }
        do {
            pool = try DatabasePool(path: path.string, configuration: Self.configuration)
            try pool.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA synchronous = FULL")
                if isNew { StoreStep.databaseMade.reach() }
                try Schema.migrate(db, from: found)
                try db.execute(sql: "PRAGMA synchronous = NORMAL")
            }
        } catch {
            throw MetadataError(error, "open \(path)")
        }
        do throws(KernelError) {
            if isNew { try syncDirectory(path.removingLastComponent()) }
            try Self.reserveLogSpace(FilePath(path.string + "-wal"))
        } catch {
            throw .kernel(error)
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "metadata"
        configuration.maximumReaderCount = 4
        // Only an administrator's sqlite3 shell could hold the file.
        configuration.busyMode = .timeout(5)
        return configuration
    }

    /// SQLite would make the file 0644.
    private static func createFile(_ path: FilePath) throws(MetadataError) {
        do throws(KernelError) { _ = try openFile(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600) } catch { throw .kernel(error) }
    }

    /// A new database and old layers: somebody lost the one, and a sweep would now delete the others. An empty file that is left here
    /// counts as no database the next time too.
    private static func refuseBesideOldStore(_ root: FilePath) throws(MetadataError) {
        for name in ["layers", "containers"] {
            let path = root.appending(name)
            let isEmpty: Bool
            do throws(KernelError) {
                isEmpty = try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).entries(of: path.string).isEmpty
            } catch {
                if error.errno == .noSuchFileOrDirectory { continue }
                throw .kernel(error)
            }
            if !isEmpty { throw .databaseLost(root: root, holds: path) }
        }
    }

    /// A full disk must not keep anyone from removing things: blocks for the write-ahead log are set aside beyond its end. SQLite
    /// checkpoints at 1,000 pages, and then writes the same file again from its start.
    private static func reserveLogSpace(_ path: FilePath) throws(KernelError) {
        let file = try openFile(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        do throws(KernelError) {
            try file.reserveBlocks(bytes: 5 << 20, path.string)
        } catch  where error.errno == .notSupported || error.isOutOfSpace {
            // Where the filesystem can't, or is full already, removals may have to wait for space.
        }
    }

    // MARK: - How the files of each concept read and change

    func read<Value>(_ operation: StaticString, _ body: (Database) throws -> Value) throws(MetadataError) -> Value {
        do { return try pool.read(body) } catch { throw MetadataError(error, "\(operation)") }
    }

    /// One or more statements; more than one belong into `db.inTransaction`. After a power cut the last changes may be gone, in order,
    /// never in part (`synchronous = NORMAL`).
    func change<Value>(_ operation: StaticString, _ body: (Database) throws -> Value) throws(MetadataError) -> Value {
        do { return try pool.writeWithoutTransaction(body) } catch { throw MetadataError(error, "\(operation)") }
    }

    /// A transaction that is on stable storage on return, with everything changed before it (`synchronous = FULL`).
    /// - Parameter afterwards: runs when it is committed, before any other change: for files that go with rows.
    func changeDurably<Value>(
        _ operation: StaticString, _ body: (Database) throws -> Value, afterwards: (Value) -> Void = { _ in }
    ) throws(MetadataError) -> Value {
        try change(operation) { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            defer { try? db.execute(sql: "PRAGMA synchronous = NORMAL") }
            var result: Value?
            try db.inTransaction(.immediate) {
                result = try body(db)
                return .commit
            }
            guard let result else { throw MetadataError.damaged(what: "no result of a committed transaction") }
            afterwards(result)
            return result
        }
    }
}

extension MetadataError {
    init(_ error: any Error, _ operation: String) {
        switch error {
        case let error as MetadataError: self = error
        case let error as KernelError: self = .kernel(error)
        case let error as DatabaseError:
            self = .database(operation: operation, code: error.extendedResultCode.rawValue, message: error.message ?? "no message")
        default: self = .database(operation: operation, code: 1, message: "\(error)")
        }
    }
}
