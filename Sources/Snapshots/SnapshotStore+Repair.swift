// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import Logging
package import Metadata
internal import SystemPackage

// A layer's tree is exchanged for one that was made anew, while containers run on it. overlayfs holds the old tree's inodes, not its name: they
// go on with it until they end, and the next start of any of them mounts the new one. What overlayfs can't bear is that a lower's files are
// deleted under it, so the old tree stays in `replaced/` until no container runs that may have it mounted.
//
//     new tree in ingest/ -> synced -> renamed into replaced/ -> recorded (replacedTree) -> exchanged with layers/<id> -> directories synced
//         -> the layer's row tells of the new tree -> its holders recorded -> ... -> nobody runs on it -> row gone -> trash
//
// After a crash the next start looks which tree is in layers/<id>, by its inode: the new one: the rest is done; the old one: the new is trash.

extension SnapshotStore {
    /// Puts a new tree in the place of a layer's.
    /// - Parameter runningHolders: containers that run now, or are being started, and have this layer; asked after the exchange.
    /// - Returns: those that may still have the old tree mounted.
    /// - Throws: `SnapshotError`; the layer is the old one then, or the new one, and never neither.
    package func replace(
        _ layer: LayerRecord, with new: NewLayer, runningHolders: () -> [String]
    ) throws(SnapshotError) -> [String] {
        let tree: ReplacedTree
        do throws(SnapshotError) { tree = try placeBeside(layer, new) } catch {
            new.ingest.abandon()
            throw error
        }
        do throws(SnapshotError) {
            try metadataStep { () throws(MetadataError) in try metadata.insert(replaced: tree) }
            try reach(.replacementRecorded)
            try exchange(tree)
        } catch {
            // Else the next start does.
            do throws(SnapshotError) { try settleReplaced() } catch {
                logger.error("a repair is left half done", metadata: ["layer": "\(layer.key.text)", "error": "\(error)"])
            }
            throw error
        }
        try reach(.treesExchanged)
        try finishReplacement(tree)
        try reach(.replacementFinished)
        return try release(tree, running: runningHolders())
    }

    private func placeBeside(_ layer: LayerRecord, _ new: NewLayer) throws(SnapshotError) -> ReplacedTree {
        try describe(new)
        try kernelStep(.sync) { () throws(KernelError) in try new.ingest.sync() }
        let place = directories.replaced(new.ingest.id)
        guard new.ingest.handOver() else { throw .ingestEnded(new.ingest.directory) }
        let inode = try kernelStep(.replace) { () throws(KernelError) in
            do throws(KernelError) { try renameFile(new.ingest.directory, to: place) } catch {
                trash.discardLogged(new.ingest.directory)
                throw error
            }
            try syncDirectory(directories.replaced)
            return try openFile(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).status().inode
        }
        return ReplacedTree(
            id: new.ingest.id, layer: layer.id, inode: inode, seal: new.seal, diskBytes: new.size.diskBytes, inodes: new.size.inodes)
    }

    private func exchange(_ tree: ReplacedTree) throws(SnapshotError) {
        let (new, old) = (directories.replaced(tree.id), directories.layer(tree.layer))
        try kernelStep(.replace) { () throws(KernelError) in
            do throws(KernelError) {
                try withCPath(new) { newRaw throws(KernelError) in
                    try withCPath(old) { oldRaw throws(KernelError) in
                        _ = try kernel("renameat2(2)", "\(new) <-> \(old)") { ctr_rename_exchange(newRaw, oldRaw) }
                    }
                }
            } catch  where error.errno == .noSuchFileOrDirectory {
                // Somebody has deleted the old one.
                try renameFile(new, to: old)
            }
            try syncDirectory(directories.layers)
            try syncDirectory(directories.replaced)
        }
    }

    private func finishReplacement(_ tree: ReplacedTree) throws(SnapshotError) {
        try metadataStep { () throws(MetadataError) in try metadata.finish(replaced: tree) }
        damage.note(nil, ofLayer: tree.layer)
        stacks.clear()
    }

    /// At the start: ends what a crash interrupted, either way.
    func settleReplaced() throws(SnapshotError) {
        for tree in try metadataStep({ () throws(MetadataError) in try metadata.replacedTrees() }) where tree.holders == nil {
            if try inode(of: directories.layer(tree.layer)) == tree.inode {
                try finishReplacement(tree)
            } else {
                try forget(tree)
            }
        }
    }

    /// Lets replaced trees go that nobody runs on any more.
    /// - Parameter running: the containers that run now, or are being started, with a layer.
    package func releaseReplaced(running: (_ layer: Int64) -> [String]) throws(SnapshotError) {
        for tree in try metadataStep({ () throws(MetadataError) in try metadata.replacedTrees() }) {
            _ = try release(tree, running: running(tree.layer))
        }
    }

    /// - Returns: who keeps it.
    private func release(_ tree: ReplacedTree, running: [String]) throws(SnapshotError) -> [String] {
        let holders = tree.holders.map { $0.filter(running.contains) } ?? running
        if holders.isEmpty {
            try forget(tree)
        } else if holders != tree.holders {
            try metadataStep { () throws(MetadataError) in try metadata.set(holders: holders, ofReplaced: tree.id) }
        }
        return holders
    }

    /// Its row first: a directory without a row is swept by the next start.
    private func forget(_ tree: ReplacedTree) throws(SnapshotError) {
        try metadataStep { () throws(MetadataError) in try metadata.delete(replaced: tree.id) }
        _ = try kernelStep(.discard) { () throws(KernelError) in try trash.discard(directories.replaced(tree.id)) }
    }

    private func inode(of path: FilePath) throws(SnapshotError) -> UInt64? {
        try kernelStep(.replace) { () throws(KernelError) in
            do throws(KernelError) { return try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).status().inode } catch
                where error.errno == .noSuchFileOrDirectory
            {
                return nil
            }
        }
    }
}
