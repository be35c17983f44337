// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

// Nodes and links in /dev. Source: runtime-spec config-linux.md, "Default Devices" and "Dev symbolic links".
extension InitProcess {
    /// Nothing is made in a /dev that is bound from the host: that would be the host's.
    borrowing func makeDevices(_ root: borrowing RootDirectory) throws(LaunchError) {
        report.begin(.devices)
        let isBound = plan.mounts.contains { if case .bind = $0.kind { $0.target == "dev" } else { false } }
        try during(.devices) { () throws(KernelError) in
            if !isBound { try makeNodes(root) }
            if let terminal { try bindConsole(terminal, root) }
        }
    }

    private borrowing func makeNodes(_ root: borrowing RootDirectory) throws(KernelError) {
        var parents: [FilePath: CInt] = [:]
        defer { for descriptor in parents.values { close(descriptor) } }
        func parent(_ path: FilePath) throws(KernelError) -> CInt {
            if let known = parents[path] { return known }
            let number = try root.openOrMake(path, directory: true).release()
            parents[path] = number
            return number
        }
        for (index, device) in plan.devices.enumerated() {
            if let node = prepared.devices[index] {
                let target = try root.openOrMake(device.path, directory: false, .refused)
                try DetachedMount.attach(node, at: target.raw, name: device.path.string)
            } else {
                try make(device, in: try parent(device.path.removingLastComponent()))
            }
        }
        for (target, name) in Self.links { try link(target, name, in: try parent("dev")) }
    }

    private static let links: [(target: String, name: FilePath)] = [
        ("/proc/self/fd", "fd"), ("/proc/self/fd/0", "stdin"), ("/proc/self/fd/1", "stdout"), ("/proc/self/fd/2", "stderr"),
        ("pts/ptmx", "ptmx"),
    ]

    private borrowing func make(_ device: DeviceNode, in directory: CInt) throws(KernelError) {
        guard let name = device.path.lastComponent else { return }
        let file = FilePath(root: nil, [name])
        try withCPath(file) { path throws(KernelError) in
            do throws(KernelError) {
                try kernel("mknodat(2)", device.path.string) { mknodat(directory, path, device.mode, UInt(device.number)) }
                guard device.uid != 0 || device.gid != 0 else { return }
                try kernel("fchownat(2)", device.path.string) {
                    fchownat(directory, path, device.uid, device.gid, AT_SYMLINK_NOFOLLOW)
                }
            } catch  where error.errno == .fileExists {
                // A root that brings its own /dev: the same device is welcome, anything else is not taken for one.
                var status = stat()
                try kernel("fstatat(2)", device.path.string) { fstatat(directory, path, &status, AT_SYMLINK_NOFOLLOW) }
                guard status.st_mode & S_IFMT == device.mode & S_IFMT, status.st_rdev == device.number || device.mode & S_IFMT == S_IFIFO
                else { throw error }
            }
        }
    }

    private borrowing func link(_ target: String, _ name: FilePath, in directory: CInt) throws(KernelError) {
        do throws(KernelError) {
            try withCPath(name) { path throws(KernelError) in
                _ = try kernel("symlinkat(2)", "dev/\(name)") { symlinkat(target, directory, path) }
            }
        } catch  where error.errno == .fileExists {}
    }

    private borrowing func bindConsole(_ terminal: TerminalNumbers, _ root: borrowing RootDirectory) throws(KernelError) {
        let target = try root.openOrMake("dev/console", directory: false, .refused)
        try DetachedMount(cloning: terminal.peer, name: "the terminal").attach(at: target.raw, name: "/dev/console")
    }
}
