// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import SystemPackage

/// A user namespace without a process of its own: held by its descriptor, to be entered, or to map a mount's owners.
package struct UserNamespace: ~Copyable {
    package let descriptor: OwnedFD
    /// As the caller sees the outer ids.
    package let mappings: IDMappings

    private init(_ descriptor: consuming OwnedFD, _ mappings: IDMappings) {
        self.descriptor = descriptor
        self.mappings = mappings
    }

    /// Makes one with these maps. The caller, which has one thread, needs CAP_SETUID and CAP_SETGID for ids that aren't its own.
    package static func make(_ mappings: IDMappings) throws(KernelError) -> UserNamespace {
        let helper = try Helper.start(.user) { () throws(KernelError) in }
        return UserNamespace(
            try helper.use { pid throws(KernelError) in
                // One write for all lines: the kernel takes a map once. Source: user_namespaces(7).
                try writeFile(FilePath("/proc/\(pid)/uid_map"), mappings.users.map(\.text).joined(separator: "\n"))
                try writeFile(FilePath("/proc/\(pid)/gid_map"), mappings.groups.map(\.text).joined(separator: "\n"))
                return try openFile(FilePath("/proc/\(pid)/ns/user"), O_RDONLY)
            }, mappings)
    }

    /// Opens one that exists. Its maps are read by way of a process in it, since a namespace's own file does not tell them.
    package static func open(_ path: FilePath) throws(KernelError) -> UserNamespace {
        let descriptor = try openFile(path, O_RDONLY)
        let raw = descriptor.raw
        let helper = try Helper.start([]) { () throws(KernelError) in try enterNamespace(raw, .user, object: path.string) }
        let mappings = try helper.use { pid throws(KernelError) in try IDMappings.of(process: pid) }
        return UserNamespace(descriptor, mappings)
    }

    /// A process that is in the namespace only for as long as it is looked at.
    private struct Helper: ~Copyable {
        private let pid: Int32
        private let pidfd: OwnedFD
        /// Its end ends the process.
        private let line: OwnedFD

        static func start(_ new: Namespaces, _ enter: () throws(KernelError) -> Void) throws(KernelError) -> Helper {
            var ends: [CInt] = [-1, -1]
            let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
            try kernel("socketpair(2)", "user namespace") { socketpair(AF_UNIX, kind, 0, &ends) }
            let clone: CloneResult
            do throws(KernelError) {
                clone = try cloneProcess(new)
            } catch {
                for end in ends { _ = close(end) }
                throw error
            }
            switch consume clone {
            case .child:
                _ = close(ends[0])
                wait(ends[1], enter)
            case .parent(let pid, let pidfd):
                _ = close(ends[1])
                let helper = Helper(pid: pid, pidfd: pidfd, line: OwnedFD(owning: ends[0]))
                try helper.confirm()
                return helper
            }
        }

        private init(pid: Int32, pidfd: consuming OwnedFD, line: consuming OwnedFD) {
            self.pid = pid
            self.pidfd = pidfd
            self.line = line
        }

        /// Throws what the process could not do.
        private func confirm() throws(KernelError) {
            var answer: [CInt] = [0]
            let raw = line.raw
            let count = answer.withUnsafeMutableBytes { recv(raw, $0.baseAddress, $0.count, 0) }
            if count == 4, answer[0] != 0 {
                throw KernelError(call: "setns(2)", object: "user namespace", errno: Errno(rawValue: answer[0]))
            }
        }

        deinit {
            _ = ctr_pidfd_send_signal(pidfd.raw, SIGKILL)
            var status: CInt = 0
            while waitpid(pid, &status, 0) == -1, lastErrno() == .interrupted {}
        }

        private static func wait(_ line: CInt, _ enter: () throws(KernelError) -> Void) -> Never {
            var answer: CInt = 0
            do throws(KernelError) { try enter() } catch { answer = error.errno.rawValue }
            _ = send(line, &answer, 4, CInt(MSG_NOSIGNAL))
            _ = recv(line, &answer, 1, 0)
            _exit(0)
        }

        func use<Result: ~Copyable>(_ body: (Int32) throws(KernelError) -> Result) throws(KernelError) -> Result { try body(pid) }
    }
}

/// Runs `body` as this user and group for filesystems, with all of the caller's permitted capabilities.
///
/// What is made in an id-mapped mount must belong to ids that are mapped, and its maker's may be none of them.
package func withFilesystemIdentity<Result: ~Copyable>(
    user: UInt32, group: UInt32, _ body: () throws(KernelError) -> Result
) throws(KernelError) -> Result {
    var effective: UInt64 = 0
    var permitted: UInt64 = 0
    var inheritable: UInt64 = 0
    try kernel("capget(2)", "own") { ctr_capget(&effective, &permitted, &inheritable) }
    let oldGroup = ctr_setfsgid(group)
    let oldUser = ctr_setfsuid(user)
    defer {
        _ = ctr_setfsuid(oldUser)
        _ = ctr_setfsgid(oldGroup)
        _ = ctr_capset(effective, permitted, inheritable)
    }
    // Another user than root loses the capabilities about files with the change. Source: capabilities(7).
    try kernel("capset(2)", "permitted") { ctr_capset(permitted, permitted, inheritable) }
    return try body()
}
