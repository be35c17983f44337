// SPDX-License-Identifier: Apache-2.0

public import APITypes
internal import Containers
internal import ShimProtocol

/// An archive on its way out of a container.
public struct FileArchive: Sendable {
    fileprivate let session: FilesSession

    /// Some bytes; nil at the end, when the archive is known to be whole.
    public func next() async throws(EngineError) -> [UInt8]? {
        do throws(ContainerError) { return try await session.next() } catch { throw EngineError(error) }
    }

    /// Nobody wants the rest.
    public func cancel() { session.cancel() }
}

/// An archive on its way into a container.
public struct FileIntake: Sendable {
    fileprivate let session: FilesSession

    /// - Returns: false where nothing more is taken: `finish` says why.
    public func write(_ bytes: [UInt8]) async throws(EngineError) -> Bool {
        do throws(ContainerError) { return try await session.write(bytes) } catch { throw EngineError(error) }
    }

    /// The archive is whole. - Throws: what was wrong with it, or could not be written.
    public func finish() async throws(EngineError) {
        do throws(ContainerError) { try await session.finish() } catch { throw EngineError(error) }
    }

    public func cancel() { session.cancel() }
}

/// The differences of a container's root to its image, in the order of the tree.
public struct FileChanges: Sendable {
    fileprivate let session: FilesSession
    /// The beginning of a record whose end has not come.
    private var rest: [UInt8] = []

    fileprivate init(session: FilesSession) { self.session = session }

    /// Some of them; nil at the end, when they are known to be all.
    public mutating func next() async throws(EngineError) -> [FileChange]? {
        let bytes: [UInt8]?
        do throws(ContainerError) { bytes = try await session.next() } catch { throw EngineError(error) }
        guard let bytes else { return nil }
        var records = (rest + bytes).split(separator: 0, omittingEmptySubsequences: false)
        rest = Array(records.popLast() ?? [])
        return try records.map(Self.change)
    }

    private static func change(_ record: ArraySlice<UInt8>) throws(EngineError) -> FileChange {
        let kind: FileChange.Kind
        switch record.first {
        case UInt8(ascii: "A"): kind = .added
        case UInt8(ascii: "C"): kind = .changed
        case UInt8(ascii: "D"): kind = .deleted
        default: throw EngineError(.internal, "the helper for files told of a change of no kind")
        }
        return FileChange(kind: kind, path: PathText(Array(record.dropFirst())))
    }
}

// Paths are those of the container: resolved beneath its root, whatever it swaps meanwhile, by a process of their own.
extension NodeRuntime {
    /// - Parameter follow: a link at the path's end.
    public func fileStatus(_ id: String, path: String, follow: Bool) async throws(EngineError) -> PathStatus {
        let status = try await files { () throws(ContainerError) in
            try await self.containers.fileStatus(self.containers.find(id), path: path, follow: follow)
        }
        return PathStatus(
            name: status.name, kind: PathStatus.Kind(rawValue: status.kind) ?? .other, mode: status.mode, sizeInBytes: status.size,
            modifiedAt: status.modifiedAt, linkTarget: status.linkTarget)
    }

    /// An object and what is below it, as a tar whose first entry has the path's last component as its name.
    public func archive(_ id: String, path: String, follow: Bool) async throws(EngineError) -> FileArchive {
        FileArchive(
            session: try await files { () throws(ContainerError) in
                try await self.containers.archive(self.containers.find(id), path: path, follow: follow)
            })
    }

    /// The root as one tree, without what is mounted in it.
    public func export(_ id: String) async throws(EngineError) -> FileArchive {
        FileArchive(session: try await files { () throws(ContainerError) in try await self.containers.export(self.containers.find(id)) })
    }

    /// Takes a tar into a directory of the container.
    /// - Parameter keepingOwners: also every mode bit and capability, as the archive has them; else all becomes root's.
    public func extract(_ id: String, into path: String, keepingOwners: Bool) async throws(EngineError) -> FileIntake {
        FileIntake(
            session: try await files { () throws(ContainerError) in
                try await self.containers.extract(self.containers.find(id), into: path, keepingOwners: keepingOwners)
            })
    }

    /// What the container has made of its image.
    public func changes(_ id: String) async throws(EngineError) -> FileChanges {
        FileChanges(
            session: try await files { () throws(ContainerError) in try await self.containers.changes(self.containers.find(id)) })
    }

    private func files<Value>(_ body: () async throws(ContainerError) -> Value) async throws(EngineError) -> Value {
        do throws(ContainerError) { return try await body() } catch { throw EngineError(error) }
    }
}
