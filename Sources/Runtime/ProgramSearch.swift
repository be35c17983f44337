// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// Finds the program in the container, as its user, before the filter is loaded and before the gate, so that a wrong name is told early.
struct ProgramSearch {
    private let program: FilePath
    private let searchPath: [FilePath]
    private let ownBinary: (device: UInt64, inode: UInt64)?

    init(_ process: ProcessPlan, ownBinary: (device: UInt64, inode: UInt64)?) {
        program = process.program
        searchPath = process.searchPath
        self.ownBinary = ownBinary
    }

    func find() throws(LaunchError) -> FilePath {
        // A name with a slash is a path; anything else is looked for. Source: execvp(3).
        guard program.root == nil, program.components.count == 1, !program.string.contains("/") else {
            if let errno = refusal(program) { throw failure(errno) }
            return program
        }
        var worst = Errno.noSuchFileOrDirectory
        for directory in searchPath {
            let candidate = directory.pushing(program)
            guard let errno = refusal(candidate) else { return candidate }
            if errno == .permissionDenied { worst = errno }
        }
        throw failure(worst)
    }

    /// Why the kernel would refuse this file; nil where it may be run.
    private func refusal(_ path: FilePath) -> Errno? {
        withCPath(path) { raw in
            var status = stat()
            if stat(raw, &status) == -1 { return lastErrno() }
            if let ownBinary, status.st_dev == ownBinary.device, status.st_ino == ownBinary.inode, byMagicLink(raw) { return .notPermitted }
            if status.isDirectory { return .isDirectory }
            guard status.st_mode & S_IFMT == S_IFREG else { return .permissionDenied }
            return access(raw, X_OK) == -1 ? lastErrno() : nil
        }
    }

    /// Whether the way to a file leads over /proc/self/exe or the like. The runtime's binary may also be in the container by intent,
    /// bound read-only as its init.
    private func byMagicLink(_ path: UnsafePointer<CChar>) -> Bool {
        let descriptor = ctr_openat2(AT_FDCWD, path, UInt64(CTR_O_PATH | O_CLOEXEC), 0, UInt64(CTR_RESOLVE_NO_MAGICLINKS))
        guard descriptor >= 0 else { return true }
        close(descriptor)
        return false
    }

    private func failure(_ errno: Errno) -> LaunchError {
        let missing = errno == .noSuchFileOrDirectory || errno == .notDirectory
        let place = searchPath.map(\.string).joined(separator: ":")
        let named = program.string.contains("/") ? "" : " in PATH (\(place))"
        return LaunchError(
            step: .findProgram, reason: missing ? "not found\(named)" : Self.explanation(errno),
            kernel: KernelError(call: "execve(2)", object: program.string, errno: errno), exitCode: missing ? 127 : 126)
    }

    /// What stands behind an errno of execve(2), where its own text does not say it.
    static func explanation(_ errno: Errno) -> String? {
        switch errno {
        case .execFormatError: "neither a binary for this machine nor a script with #!"
        case .noSuchFileOrDirectory: "its interpreter or loader is not in the image"
        case .notPermitted: "the runtime's own binary is not run in a container"
        default: nil
        }
    }
}
