// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Metadata
internal import OCI
package import SystemPackage

extension ContentStore {
    /// Removes files that nothing knows, and blobs that nothing holds, while the store is at work.
    /// - Returns: the files that were removed, and those that are recorded and missing.
    package func reconcile() throws(ContentError) -> (orphans: [FilePath], missing: [FilePath]) {
        let directory = try kernelStep { () throws(KernelError) in try openFile(blobs, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) }
        // Listed before it is asked what is known; a blob is claimed before its file is there.
        let files = try kernelStep { () throws(KernelError) in try directory.entries(of: blobs.string) }.map { name, _ in name }
        let claimed = metadata.claimedBlobs
        let recorded = try metadataStep { () throws(MetadataError) in try metadata.blobs() }.map(\.digest)
        let known = Set((claimed + recorded).map(\.hex))
        var orphans: [FilePath] = []
        for file in files {
            let name = String(decoding: file, as: UTF8.self)
            if !known.contains(name), try removeUnknown(name) { orphans.append(blobs.appending(name)) }
        }
        var missing: [FilePath] = []
        let present = Set(files.map { String(decoding: $0, as: UTF8.self) })
        for digest in recorded where !present.contains(digest.hex) {
            // Recorded since the list was made, or removed since it was asked for?
            if try !contains(digest), try metadataStep({ () throws(MetadataError) in try metadata.blob(digest) }) != nil {
                missing.append(blobs.appending(digest.hex))
            }
        }
        try removeUnreferenced()
        return (orphans, missing)
    }
    /// - Returns: whether the file was there, and was nobody's.
    private func removeUnknown(_ name: String) throws(ContentError) -> Bool {
        var result: Result<Bool, KernelError> = .success(false)
        let path = blobs.appending(name)
        func remove() {
            guard access(path.string, F_OK) == 0 else { return }
            do throws(KernelError) {
                try unlinkFile(path)
                result = .success(true)
            } catch {
                result = .failure(error)
            }
        }
        if let digest = Digest("sha256:\(name)") {
            try metadataStep { () throws(MetadataError) in try metadata.ifUnknown(blob: digest, remove) }
        } else {
            remove()
        }
        do throws(KernelError) { return try result.get() } catch { throw .kernel(error) }
    }
}
