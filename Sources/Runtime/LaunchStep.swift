// SPDX-License-Identifier: Apache-2.0

/// The named steps from a plan to the container's own program. A failure says which one it was, and the timings tell each one's length.
///
/// The slow things that belong to no process, a network namespace and cgroup v1 directories, are made by the parent while the child
/// mounts; "join" is where the child waits for them.
///
/// With a user namespace the parent first mounts what the child will not be able to and sets the limits, and a `SteppingStone` makes the child.
///
/// ```
/// parent:  plan create-cgroup open-terminal clone | make-network set-limits    | wait-for-program [create-hooks]
/// child:                                          | prepare enter-namespaces   |
///                                                 | mount-root mounts devices  | join sysctl rest-of-mounts mask-paths
///                                                            | [createContainer-hooks] pivot-root session hostname …
///                                                            | find-program gate [startContainer-hooks] seccomp exec
/// ```
package enum LaunchStep: String, CaseIterable, Codable, Sendable, Hashable {
    // In the parent.
    case plan
    case cgroup = "create-cgroup"
    case userNamespace = "make-user-namespace"
    case prepareMounts = "prepare-mounts"
    case terminal = "open-terminal"
    case clone
    case network = "make-network"
    case limits = "set-limits"
    case createHooks = "create-hooks"
    case wait = "wait-for-program"

    // In the child, in this order.
    case prepare
    case namespaces = "enter-namespaces"
    case mountRoot = "mount-root"
    case mounts
    case devices
    case join
    case sysctl
    case restOfMounts = "rest-of-mounts"
    case paths = "mask-paths"
    case containerHooks = "createContainer-hooks"
    case pivotRoot = "pivot-root"
    case session
    case hostname
    case resources = "set-rlimits"
    case identity = "set-identity"
    case workingDirectory = "working-directory"
    case findProgram = "find-program"
    case gate
    case startHooks = "startContainer-hooks"
    case seccomp
    case exec

    var index: UInt32 { UInt32(Self.allCases.firstIndex(of: self) ?? 0) }
}
