// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

/// The kinds of namespaces, as clone3(2), unshare(2) and setns(2) name them by bits. Source: namespaces(7).
package struct Namespaces: OptionSet, Sendable, Hashable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package static let mount = Self(rawValue: CTR_CLONE_NEWNS)
    package static let uts = Self(rawValue: CTR_CLONE_NEWUTS)
    package static let ipc = Self(rawValue: CTR_CLONE_NEWIPC)
    package static let user = Self(rawValue: CTR_CLONE_NEWUSER)
    package static let pid = Self(rawValue: CTR_CLONE_NEWPID)
    package static let network = Self(rawValue: CTR_CLONE_NEWNET)
    package static let cgroup = Self(rawValue: CTR_CLONE_NEWCGROUP)
    package static let time = Self(rawValue: CTR_CLONE_NEWTIME)
}

/// Moves the calling process into an existing namespace. For `pid`, its later children only. Source: setns(2).
package func enterNamespace(_ file: CInt, _ kind: Namespaces, object: @autoclosure () -> String) throws(KernelError) {
    try kernel("setns(2)", object()) { ctr_setns(file, kind.rawValue) }
}

/// Gives the calling process new namespaces. Never called in a process with threads. Source: unshare(2).
package func unshareNamespaces(_ kinds: Namespaces) throws(KernelError) {
    try kernel("unshare(2)", "flags 0x\(String(kinds.rawValue, radix: 16))") { ctr_unshare(kinds.rawValue) }
}
