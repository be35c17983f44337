// SPDX-License-Identifier: Apache-2.0

/// The named steps from a plan to the container's own program. A failure says which one it was, and the timings tell each one's length.
///
/// ```
/// parent:  plan  cgroup  terminal  clone  limits  wait                                         started
/// child:   prepare namespaces root mounts devices masks  join-cgroup cgroup-mounts pivot  session identity … seccomp exec
/// ```
package enum LaunchStep: String, CaseIterable, Codable, Sendable, Hashable {
    // In the parent.
    case plan
    case cgroup = "create-cgroup"
    case terminal = "open-terminal"
    case clone
    case limits = "set-limits"
    case wait = "wait-for-program"

    // In the child, in this order.
    case prepare
    case namespaces = "enter-namespaces"
    case sysctl
    case loopback
    case mountRoot = "mount-root"
    case mounts
    case devices
    case paths = "mask-paths"
    case joinCgroup = "join-cgroup"
    case cgroupMounts = "mount-cgroup"
    case pivotRoot = "pivot-root"
    case session
    case hostname
    case resources = "set-rlimits"
    case identity = "set-identity"
    case workingDirectory = "working-directory"
    case findProgram = "find-program"
    case gate
    case seccomp
    case exec

    var index: UInt32 { UInt32(Self.allCases.firstIndex(of: self) ?? 0) }
}
