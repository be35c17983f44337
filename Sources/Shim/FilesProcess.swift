// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import FileTransfer
internal import Glibc
internal import JSON
internal import Linux
internal import OCI
internal import ShimProtocol
internal import SystemPackage
internal import Tar

/// `ctr-swift-shim files REQUEST`: reads and writes the files of one container, for the daemon, which itself never enters a namespace.
///
/// A path of the container is resolved by the kernel as in a chroot of it (openat2, RESOLVE_IN_ROOT), whatever the container swaps meanwhile; nothing
/// of it is executed, loaded or looked up by name. One thread, which may hang on a container's own filesystem: then the daemon kills the process.
package enum FilesProcess {
    private static let reports: CInt = 3
    /// The binary's own.
    private static let program: CInt = 4

    /// - Returns: the exit status.
    package static func run(_ arguments: [String]) -> CInt {
        _ = close(program)
        _ = ctr_set_thread_name("ctr-swift-files")
        umask(0)
        signal(SIGPIPE, SIG_IGN)
        guard arguments.count == 1 else { return 64 }
        do throws(FilesFailure) {
            let request: FilesRequest
            do throws(JSONError) { request = try JSON.decode(FilesRequest.self, from: Array(arguments[0].utf8)) } catch {
                throw FilesFailure(.other, "the request: \(error)")
            }
            try serve(request)
            try FilesRoot.close(request.root)
            report(.done)
            return 0
        } catch {
            report(.failed(error))
            return 1
        }
    }

    private static func serve(_ request: FilesRequest) throws(FilesFailure) {
        if request.operation == .changes { return try tellChanges(request) }
        let root = try FilesRoot.open(request.root)
        let object = try resolve(request, in: root)
        switch request.operation {
        case .status: report(.ready(try status(of: object, request)))
        case .archive:
            let status = try status(of: object, request)
            report(.ready(status))
            try archive(object, as: Array(status.name.utf8), crossesMounts: true)
        case .export:
            report(.ready(nil))
            try archive(object, as: [UInt8(ascii: ".")], crossesMounts: false)
        case .extract:
            let status = try status(of: object, request)
            guard status.kind == "directory" else {
                throw FilesFailure(.notPossible, "\"\(request.path)\" is no directory of the container")
            }
            report(.ready(status))
            try extract(request, root)
        case .changes: break
        }
    }

    private static func archive(_ object: borrowing OwnedFD, as name: [UInt8], crossesMounts: Bool) throws(FilesFailure) {
        var archiver = TreeArchiver(DescriptorSink(lent: 1), crossesMounts: crossesMounts)
        do throws(TransferError) {
            try archiver.add(object, as: name)
            try archiver.finish()
        } catch {
            throw FilesFailure(error)
        }
        try filesStep("the archive") { () throws(KernelError) in try archiver.sink.flush() }
    }

    private static func extract(_ request: FilesRequest, _ root: borrowing OwnedFD) throws(FilesFailure) {
        let base = request.path.utf8.split(separator: UInt8(ascii: "/")).map(Array.init)
        let copy = OwnedFD(owning: try filesStep("the root") { () throws(KernelError) in try root.duplicate().release() })
        var extractor = TreeExtractor(
            root: copy, base: base,
            ExtractionRules(links: .inRoot, owner: request.keepsOwners ? .asArchived : .fixed(uid: 0, gid: 0), makesDevices: true))
        var reader = TarReader(StandardInput())
        do throws(TransferError) { try extractor.extract(&reader) } catch { throw FilesFailure(error) }
        // What comes behind the archive's end is read, so that its sender does not fail.
        var rest = [UInt8](repeating: 0, count: 1 << 16)
        while rest.withUnsafeMutableBytes({ Glibc.read(0, $0.baseAddress, $0.count) }) > 0 {}
    }

    private static func tellChanges(_ request: FilesRequest) throws(FilesFailure) {
        guard case .layers(let rootfs) = request.root, let upper = rootfs.upper else {
            throw FilesFailure(.other, "changes are those of a writable layer")
        }
        let store = FilePath(rootfs.store)
        let targets = Set(request.leavingOut.map { $0.utf8.split(separator: UInt8(ascii: "/")).map(Array.init) })
        try filesStep("the writable layer") { () throws(KernelError) in
            var changes = try UpperChanges(FilePath(upper), over: rootfs.lowerdirs.map { store.pushing(FilePath($0)) }, leavingOut: targets)
            report(.ready(nil))
            var sink = DescriptorSink(lent: 1)
            try changes.visit { change, path throws(KernelError) in
                let record = path.reduce([change.rawValue]) { $0 + [UInt8(ascii: "/")] + $1 } + [0]
                try record.span.withUnsafeBytes { bytes throws(KernelError) in try sink.write(bytes) }
            }
            try sink.flush()
        }
    }

    private static func resolve(_ request: FilesRequest, in root: borrowing OwnedFD) throws(FilesFailure) -> OwnedFD {
        let flags = CTR_O_PATH | (request.follow ? 0 : O_NOFOLLOW)
        let path = Array(request.path.utf8)
        return OwnedFD(owning: try filesStep(request.path) { () throws(KernelError) in try root.openInRoot(path, flags).release() })
    }

    private static func status(of object: borrowing OwnedFD, _ request: FilesRequest) throws(FilesFailure) -> FilesStatus {
        let status = try filesStep(request.path) { () throws(KernelError) in try object.status() }
        var target: String?
        var kind = "other"
        switch status.kind {
        case .regular: kind = "file"
        case .directory: kind = "directory"
        case .symlink:
            kind = "symlink"
            target = String(decoding: try filesStep(request.path) { () throws(KernelError) in try object.linkTarget([]) }, as: UTF8.self)
        case .characterDevice, .blockDevice, .fifo, .socket: break
        }
        let last = request.path.utf8.split(separator: UInt8(ascii: "/")).last.map { String(decoding: Array($0), as: UTF8.self) }
        return FilesStatus(
            name: last.map { $0 == ".." ? "." : $0 } ?? ".", kind: kind, mode: status.permissions, size: status.size,
            modifiedAt: Timestamp.rfc3339(seconds: status.modified.seconds, nanoseconds: status.modified.nanoseconds), linkTarget: target)
    }

    private static func report(_ report: FilesReport) {
        guard var bytes = try? JSON.encode(report) else { return }
        bytes.append(UInt8(ascii: "\n"))
        _ = bytes.withUnsafeBytes { Glibc.write(reports, $0.baseAddress, $0.count) }
    }
}

private struct StandardInput: TarSource {
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(TarError) -> Int {
        while true {
            let count = Glibc.read(0, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            if lastErrno() != .interrupted { throw .sourceFailed }
        }
    }
}
