// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import SystemPackage

/// The four roles of one overlay, and how it is mounted. Source: overlayfs.rst.
package struct OverlayMount: Sendable, Hashable {
    /// The directory that relative lowerdirs start from.
    package var store: FilePath
    /// From the uppermost down. Each directory once: overlayfs refuses a repeated one (ELOOP).
    package var lowerdirs: [FilePath]
    package var upper: Upper
    package var method: Method

    package enum Upper: Sendable, Hashable {
        /// `volatile` skips every sync of the upper filesystem, also the one at unmount. Linux 5.10.
        case directories(upper: FilePath, work: FilePath, volatile: Bool)
        /// Upper and work live in a tmpfs that goes with the mount.
        case memory(sizeInBytes: UInt64?, inodes: UInt64? = nil)
        /// Read-only: lowerdirs alone, two at least.
        case none
    }

    package enum Method: Sendable, Hashable {
        /// `layers` where the kernel knows "lowerdir+", else `options`.
        case automatic
        /// fsconfig(2) with one "lowerdir+" a layer. Linux 6.7.
        case layers
        /// mount(2): all options in one page, so lowerdirs should be short and relative.
        case options
    }

    package init(store: FilePath, lowerdirs: [FilePath], upper: Upper, method: Method = .automatic) {
        self.store = store
        self.lowerdirs = lowerdirs
        self.upper = upper
        self.method = method
    }

    /// Whether the running kernel takes layers one by one. Linux 6.7.
    package static let supportsLowerdirAppend: Bool = {
        switch try? OverlayMount(store: "/", lowerdirs: ["/"], upper: .none).contextWithFirstLayer() {
        case .some: true
        case .none: false
        }
    }()

    /// Before overlayfs was moved to the mount API (Linux 6.5), fsconfig(2) took any option, and the mount refused it later.
    private static func refusesUnknownOptions(_ context: borrowing FilesystemContext) -> Bool {
        do throws(KernelError) {
            try context.set(flag: "no-such-option")
            return false
        } catch {
            return true
        }
    }

    /// Forgets that a workdir was used by a volatile overlay; else the next mount of it is EINVAL.
    ///
    /// Only for a workdir whose overlay was unmounted, in the same run of the machine: after a crash of the machine the upper may be
    /// broken, and the mark is there to tell. Source: overlayfs.rst, "Volatile mount".
    package static func forgetVolatile(work: FilePath) throws(KernelError) {
        try unlinkFile(work.pushing("work/incompat/volatile/dirty"))
        for mark in ["work/incompat/volatile", "work/incompat"] {
            let path = work.pushing(FilePath(mark))
            do throws(KernelError) {
                try withCPath(path) { raw throws(KernelError) in _ = try kernel("rmdir(2)", path.string) { rmdir(raw) } }
            } catch  where error.errno == .noSuchFileOrDirectory {}
        }
    }

    /// Mounts it on `target`, a directory of the caller's mount namespace.
    ///
    /// Changes the working directory to `store`: only for a process of its own (the container's init), never for the daemon.
    /// - Throws: `KernelError`, with what overlayfs said in its object where it said something.
    package func mount(at target: FilePath) throws(KernelError) {
        try withCPath(store) { raw throws(KernelError) in _ = try kernel("chdir(2)", store.string) { chdir(raw) } }
        let upper = try upperDirectories(at: target)
        do throws(KernelError) {
            if method != .options, try mountByLayers(at: target, upper) { return }
            try mountByOptions(at: target, upper)
        } catch {
            throw explained(error, work: upper?.work)
        }
    }

    /// overlayfs tells its reasons to the kernel log only; this one can be seen from here.
    private func explained(_ error: KernelError, work: FilePath?) -> KernelError {
        guard error.errno == .invalidArgument, let mark = work?.pushing("work/incompat/volatile") else { return error }
        guard withCPath(mark, { access($0, F_OK) }) == 0 else { return error }
        var error = error
        error.object += " (its upper was mounted volatile before)"
        return error
    }

    private typealias Directories = (upper: FilePath, work: FilePath, volatile: Bool)

    /// A tmpfs is attached at the target first and the overlay above it: older kernels take no detached upper.
    private func upperDirectories(at target: FilePath) throws(KernelError) -> Directories? {
        switch upper {
        case .none: return nil
        case .directories(let upper, let work, let volatile): return (upper, work, volatile)
        case .memory(let size, let inodes):
            let context = try FilesystemContext("tmpfs")
            if let size { try context.set("size", String(size)) }
            if let inodes { try context.set("nr_inodes", String(inodes)) }
            try context.set("mode", "0700")
            let point = try openFile(target, CTR_O_PATH | O_DIRECTORY)
            try context.mount().attach(at: point.raw, name: target.string)
            let directories = (upper: target.appending("upper"), work: target.appending("work"), volatile: true)
            try makeDirectory(directories.upper, mode: 0o755)
            try makeDirectory(directories.work, mode: 0o700)
            return directories
        }
    }

    /// - Returns: false where the method is `automatic` and the kernel does not know "lowerdir+".
    private func mountByLayers(at target: FilePath, _ upper: Directories?) throws(KernelError) -> Bool {
        guard let context = try contextWithFirstLayer() else { return false }
        for directory in lowerdirs.dropFirst() { try context.set("lowerdir+", directory) }
        if let upper {
            try context.set("upperdir", Self.escaped(upper.upper, alsoSeparators: false))
            try context.set("workdir", Self.escaped(upper.work, alsoSeparators: false))
            if upper.volatile { try context.set(flag: "volatile") }
        }
        let mount = try context.mount()
        let point = try openFile(target, CTR_O_PATH | O_DIRECTORY)
        try mount.attach(at: point.raw, name: target.string)
        return true
    }

    /// The kernel is asked by trying, since distributions carry features back; and by the context that is mounted, since to throw one away
    /// takes overlayfs a grace period of RCU: half a millisecond of each start. EINVAL is an unknown option (or a bad layer, which
    /// mount(2) will then say), ENOSYS a kernel without the mount API.
    private func contextWithFirstLayer() throws(KernelError) -> FilesystemContext? {
        guard let first = lowerdirs.first else {
            throw KernelError(call: "fsconfig(2)", object: "overlay without lowerdirs", errno: .invalidArgument)
        }
        do throws(KernelError) {
            let context = try FilesystemContext("overlay")
            if method == .automatic, !Self.refusesUnknownOptions(context) { return nil }
            try context.set("lowerdir+", first)
            return context
        } catch  where method == .automatic && (error.errno == .invalidArgument || error.errno == .noFunction) {
            return nil
        }
    }

    private func mountByOptions(at target: FilePath, _ upper: Directories?) throws(KernelError) {
        var options = Array("lowerdir=".utf8)
        for (index, directory) in lowerdirs.enumerated() {
            if index > 0 { options.append(UInt8(ascii: ":")) }
            options += Self.bytes(Self.escaped(directory, alsoSeparators: true))
        }
        if let upper {
            options += Array(",upperdir=".utf8) + Self.bytes(Self.escaped(upper.upper, alsoSeparators: true))
            options += Array(",workdir=".utf8) + Self.bytes(Self.escaped(upper.work, alsoSeparators: true))
            if upper.volatile { options += Array(",volatile".utf8) }
        }
        options.append(0)
        let page = Int(getpagesize())
        guard options.count <= page else {
            let object = "overlay options of \(options.count) bytes for \(lowerdirs.count) lowerdirs; mount(2) takes \(page)"
            throw KernelError(call: "mount(2)", object: object, errno: .argListTooLong)
        }
        try withCPath(target) { raw throws(KernelError) in
            _ = try kernel("mount(2)", "overlay of \(lowerdirs.count) lowerdirs at \(target)") {
                options.withUnsafeBytes { ctr_mount("overlay", raw, "overlay", 0, $0.bindMemory(to: CChar.self).baseAddress) }
            }
        }
    }

    /// overlayfs takes a backslash before a byte that would end a path for it.
    private static func escaped(_ path: FilePath, alsoSeparators: Bool) -> FilePath {
        let plain = bytes(path)
        let special: Set<UInt8> = alsoSeparators ? [0x5C, 0x3A, 0x2C] : [0x5C]
        guard plain.contains(where: special.contains) else { return path }
        var result: [CChar] = []
        for byte in plain {
            if special.contains(byte) { result.append(0x5C) }
            result.append(CChar(bitPattern: byte))
        }
        return FilePath(platformString: result + [0])
    }

    private static func bytes(_ path: FilePath) -> [UInt8] {
        path.withPlatformString { UnsafeRawBufferPointer(start: $0, count: path.length).map { $0 } }
    }
}
