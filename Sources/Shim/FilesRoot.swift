// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import FileTransfer
internal import Glibc
internal import Linux
internal import ShimProtocol
internal import SystemPackage

/// The root of the container whose files are wanted, as this process comes to it.
enum FilesRoot {
    static func open(_ root: FilesRequest.Root) throws(FilesFailure) -> OwnedFD {
        switch root {
        case .process(let pid, let startTicks): try open(process: pid, startTicks)
        case .mount(let rootfs, let target, let writable): try mount(rootfs, at: FilePath(target), writable: writable)
        case .layers: throw FilesFailure(.other, "no root is asked for")
        }
    }

    /// By one open directory of /proc: it stands for one process, whoever gets the number after it.
    private static func open(process pid: Int32, _ startTicks: UInt64) throws(FilesFailure) -> OwnedFD {
        do throws(KernelError) {
            let process = try openFile(FilePath("/proc/\(pid)"), CTR_O_PATH | O_DIRECTORY)
            let stat = try process.open(Array("stat".utf8), O_RDONLY)
            guard ProcessStat(parsing: try readAll(stat, object: "stat", limit: 4096))?.startTicks == startTicks else {
                throw KernelError(call: "open(2)", object: "/proc/\(pid)", errno: .noSuchProcess)
            }
            let raw = process.raw
            let root = OwnedFD(
                owning: try kernel("openat(2)", "root of \(pid)") { openat(raw, "root", CTR_O_PATH | O_DIRECTORY | O_CLOEXEC) })
            try becomeRoot(of: process)
            return root
        } catch {
            throw FilesFailure(.notPossible, "the container has ended meanwhile: \(error)")
        }
    }

    /// In a container with a user namespace, its root, with no more rights to its files than that has, and owners as it knows them.
    private static func becomeRoot(of process: borrowing OwnedFD) throws(KernelError) {
        let raw = process.raw
        let user = OwnedFD(owning: try kernel("openat(2)", "ns/user") { openat(raw, "ns/user", O_RDONLY | O_CLOEXEC) })
        let (its, own) = (try user.status(), try openFile("/proc/self/ns/user", O_RDONLY).status())
        if its.inode == own.inode, its.device == own.device { return }
        // What runs in there could else look into this process, were it to see it.
        try kernel("prctl(2)", "PR_SET_DUMPABLE") { ctr_set_dumpable(0) }
        try enterNamespace(user.raw, .user, object: "user namespace of the container")
        try kernel("setgid(2)", "0") { setgid(0) }
        try kernel("setuid(2)", "0") { setuid(0) }
    }

    /// The same overlay that a start would mount, seen by this process alone; to be read without its workdir, as one lower more.
    private static func mount(
        _ rootfs: ShimConfiguration.Rootfs, at target: FilePath, writable: Bool
    ) throws(FilesFailure) -> OwnedFD {
        let raw = try filesStep("mount the container's root") { () throws(KernelError) in
            try unshareNamespaces(.mount)
            // What the host unmounts goes here too: its device would stay busy.
            try setPropagation("/", .slave, recursive: true)
            var lowerdirs = rootfs.lowerdirs.map { FilePath($0) }
            var upper = OverlayMount.Upper.none
            if let directory = rootfs.upper, let work = rootfs.work {
                if writable {
                    // Never volatile: who kills this process leaves no mark then that the next start would take for a crash.
                    upper = .directories(upper: FilePath(directory), work: FilePath(work), volatile: false)
                } else {
                    lowerdirs.insert(FilePath(directory), at: 0)
                }
            }
            let overlay = OverlayMount(store: FilePath(rootfs.store), lowerdirs: lowerdirs, upper: upper)
            // One layer needs no overlay, and makes none: the kernel wants two.
            if case .none = upper, lowerdirs.count == 1 {
                return try openFile(FilePath(rootfs.store).pushing(lowerdirs[0]), CTR_O_PATH | O_DIRECTORY).release()
            }
            try overlay.mount(at: target)
            return try openFile(target, CTR_O_PATH | O_DIRECTORY).release()
        }
        return OwnedFD(owning: raw)
    }

    /// What was written is on its way to the disk, and the writable layer free for the next one, before the end is told.
    static func close(_ root: FilesRequest.Root) throws(FilesFailure) {
        guard case .mount(let rootfs, let target, true) = root, rootfs.upper != nil else { return }
        try filesStep("unmount the container's root") { () throws(KernelError) in try unmount(FilePath(target)) }
    }
}

extension FilesFailure {
    init(_ error: TransferError) {
        switch error {
        case .kernel(_, let kernel): self.init(Self.code(kernel), "\(error)")
        case .tar: self.init(.badArchive, "\(error)")
        case .refused: self.init(.notPossible, "\(error)")
        }
    }

    static func code(_ error: KernelError) -> Code {
        switch error.errno {
        case .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels: .notFound
        case .readOnlyFileSystem: .readOnly
        case _ where error.isOutOfSpace: .noSpace
        default: .other
        }
    }
}

func filesStep<Value>(_ object: String, _ body: () throws(KernelError) -> Value) throws(FilesFailure) -> Value {
    do throws(KernelError) { return try body() } catch { throw FilesFailure(FilesFailure.code(error), "\"\(object)\": \(error)") }
}
