// SPDX-License-Identifier: Apache-2.0

internal import Linux

/// What this runtime can do, in the form of the runtime-spec's features.md.
package struct RuntimeFeatures: Encodable, Sendable {
    package struct Enabled: Encodable, Sendable { var enabled: Bool }

    package struct Cgroup: Encodable, Sendable {
        var v1: Bool
        var v2: Bool
        var systemd: Bool
        var systemdUser: Bool
        var rdma: Bool
    }

    package struct Seccomp: Encodable, Sendable {
        var enabled: Bool
        var actions: [String]
        var operators: [String]
        var archs: [String]
        var knownFlags: [String]
        var supportedFlags: [String]
    }

    package struct MountExtensions: Encodable, Sendable { var idmap: Enabled }

    package struct Linux: Encodable, Sendable {
        var namespaces: [String]
        var capabilities: [String]
        var cgroup: Cgroup
        var seccomp: Seccomp
        var apparmor: Enabled
        var selinux: Enabled
        var intelRdt: Enabled
        var mountExtensions: MountExtensions
    }

    var ociVersionMin = "1.0.0"
    var ociVersionMax = "1.2.0"
    var hooks = ["createContainer", "createRuntime", "poststart", "poststop", "prestart", "startContainer"]
    var mountOptions: [String]
    var linux: Linux

    package static func current() -> RuntimeFeatures {
        RuntimeFeatures(
            mountOptions: (MountFlags.words + MountPlan.words).sorted(),
            linux: Linux(
                namespaces: ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"],
                capabilities: CapabilitySets.known(),
                cgroup: Cgroup(v1: true, v2: true, systemd: false, systemdUser: false, rdma: true),
                seccomp: Seccomp(
                    enabled: true, actions: SeccompAction.names, operators: SeccompAction.operators,
                    archs: DefaultSeccomp.Architecture.allCases.flatMap(\.names), knownFlags: SeccompProgram.flagNames.keys.sorted(),
                    supportedFlags: SeccompProgram.flagNames.keys.sorted()),
                // Of the runtime, as the specification wants it, not of the running kernel.
                apparmor: Enabled(enabled: true), selinux: Enabled(enabled: true), intelRdt: Enabled(enabled: false),
                mountExtensions: MountExtensions(idmap: Enabled(enabled: true))))
    }
}
