// SPDX-License-Identifier: Apache-2.0

internal import CLinux
package import FileTransfer
internal import Glibc
package import Linux
internal import Synchronization
internal import SystemPackage
internal import Tar

/// This side of a copy: a path of the host, given by who runs the command, and therefore followed as usual.
package enum HostFiles {
    /// - Parameter follow: a link at the path's end.
    /// - Returns: nil where nothing is there.
    package static func kind(_ path: String, follow: Bool) throws(KernelError) -> FileStatus.Kind? {
        do throws(KernelError) { return try open(path, follow: follow).status().kind } catch  where error.errno == .noSuchFileOrDirectory {
            return nil
        }
    }

    /// An object, not yet opened for reading.
    package static func open(_ path: String, follow: Bool) throws(KernelError) -> OwnedFD {
        try openFile(FilePath(path), CTR_O_PATH | (follow ? 0 : O_NOFOLLOW))
    }

    /// Unpacks what comes from a container. Its links are not followed, its devices not made, and its setuid bits dropped where it
    /// gets another owner.
    /// - Parameters:
    ///   - name: what the first component of each name is called; nil drops it.
    ///   - hasTop: whether there is a first component to be replaced.
    package static func extractor(
        into directory: String, as name: String?, replacingTop hasTop: Bool, keepingOwners: Bool
    ) throws(KernelError) -> TreeExtractor {
        let root = try openFile(FilePath(directory), CTR_O_PATH | O_DIRECTORY)
        return TreeExtractor(
            root: root, base: [],
            ExtractionRules(
                links: .refused, owner: keepingOwners && geteuid() == 0 ? .asArchived : .fixed(uid: geteuid(), gid: getegid()),
                makesDevices: false, replacesTop: hasTop, prefix: name.map { [Array($0.utf8)] } ?? []))
    }
}

/// A tree of the host as an archive, made on a thread of its own while it is sent.
package final class TreeUpload: UploadSource {
    private let reader: OwnedFD
    private let failure: Failure

    private final class Failure: Sendable {
        let error = Mutex<TransferError?>(nil)
    }

    /// - Parameter name: what it is called in the archive; ".": what is in it.
    package init(_ path: String, follow: Bool, as name: String) throws(KernelError) {
        var pipe = try Pipe()
        let rawObject = try HostFiles.open(path, follow: follow).release()
        let rawWriter = pipe.takeWriter().release()
        reader = pipe.takeReader()
        failure = Failure()
        // A client that is refused goes away while the thread still writes.
        signal(SIGPIPE, SIG_IGN)
        try startThread(name: "archive") { [failure] in
            let object = OwnedFD(owning: rawObject)
            let writer = OwnedFD(owning: rawWriter)
            var archiver = TreeArchiver(DescriptorSink(lent: writer.raw), crossesMounts: true)
            do throws(TransferError) {
                try archiver.add(object, as: Array(name.utf8))
                try archiver.finish()
                do throws(KernelError) { try archiver.sink.flush() } catch { throw .kernel(entry: path, error) }
            } catch {
                failure.error.withLock { $0 = error }
            }
        }
    }

    /// - Throws: what the tree could not be read for: an archive that is cut short is not sent as a whole one.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(KernelError) -> Int {
        let raw = reader.raw
        let count = try kernel("read(2)", "an archive") { Glibc.read(raw, buffer.baseAddress, buffer.count) }
        if count == 0, let error = failure.error.withLock({ $0 }) {
            switch error {
            case .kernel(_, let kernel): throw kernel
            case .tar, .refused: throw KernelError(call: "tar", object: "\(error)", errno: .invalidArgument)
            }
        }
        return count
    }
}

/// A tar on stdin, as it is.
package struct StreamUpload: UploadSource {
    package init() {}

    package mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(KernelError) -> Int {
        try kernel("read(2)", "stdin") { Glibc.read(0, buffer.baseAddress, buffer.count) }
    }
}
