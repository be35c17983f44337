// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Metadata
internal import Synchronization
package import SystemPackage

/// A directory that a layer is extracted into. It becomes a layer by `SnapshotStore.commit`, or trash: by `abandon`, by losing its last
/// reference, or at the next start.
package final class Ingest: Sendable {
    enum State { case open, committed, abandoned }

    /// The layer's future id, and the name of its directory.
    package let id: Int64
    package let directory: FilePath
    /// Empty at first, 0755, root's: extract into it.
    package var filesystem: FilePath { directory.appending("fs") }

    /// Where the layer's listing is to be written: beside the files.
    package var listing: FilePath { directory.appending(StoreDirectories.listingName) }

    /// Opened before the first file is written, so that a write error in between is told when it is synced.
    private let handle: OwnedFD
    private let trash: TrashCollector
    private let writeOut: EarlyWriteOut
    private let underWay: LayersUnderWay
    private let state = Mutex(State.open)

    init(id: Int64, directories: StoreDirectories, trash: TrashCollector, writeOut: EarlyWriteOut, underWay: LayersUnderWay)
        throws(KernelError)
    {
        self.id = id
        self.trash = trash
        self.writeOut = writeOut
        self.underWay = underWay
        directory = directories.ingest(id)
        // Known before it is there: see `SnapshotStore.reconcile`.
        underWay.begin(id)
        do throws(KernelError) {
            try makeDirectory(directory, mode: 0o700)
            try makeDirectory(directory.appending("fs"), mode: 0o755)
            handle = try openFile(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        } catch {
            try? removeTree(directory)
            underWay.end(id)
            throw error
        }
        trash.pause()
        writeOut.begin()
        StoreStep.ingestMade.reach()
    }

    deinit { abandon() }

    /// Gives the directory up. After a commit, or a second time, it does nothing.
    package func abandon() {
        guard end(as: .abandoned) else { return }
        trash.discardLogged(directory)
        underWay.end(id)
        release()
        StoreStep.ingestAbandoned.reach()
    }

    /// The directory is the store's from now on.
    func handOver() -> Bool {
        guard end(as: .committed) else { return false }
        release()
        return true
    }

    private func release() {
        writeOut.end()
        trash.resume()
    }

    /// Neither committed nor abandoned.
    package var isOpen: Bool { state.withLock { $0 == .open } }

    func sync() throws(KernelError) { try handle.syncFilesystem(directory.string) }

    private func end(as end: State) -> Bool {
        state.withLock { state in
            guard state == .open else { return false }
            state = end
            return true
        }
    }
}
