// SPDX-License-Identifier: Apache-2.0

internal import CLinux
package import OCI

/// The spec that every container starts from: what `docker run` gives without flags, apart from the image's and the caller's parts.
package enum DefaultSpec {
    /// - Parameters:
    ///   - arguments: the program and its arguments.
    ///   - withSeccomp: the default filter for the default capabilities. A caller that changes the capabilities sets it anew.
    package static func make(arguments: [String] = ["sh"], withSeccomp: Bool = true) -> RuntimeSpec {
        var spec = RuntimeSpec(ociVersion: "1.2.0")
        var process = RuntimeSpec.Process(args: arguments)
        process.env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        process.capabilities = RuntimeSpec.Capabilities(bounding: capabilities, effective: capabilities, permitted: capabilities)
        process.noNewPrivileges = true
        process.rlimits = [openFiles]
        spec.process = process
        spec.root = RuntimeSpec.Root(path: "rootfs", readonly: false)
        spec.mounts = mounts
        spec.linux = linux(withSeccomp)
        return spec
    }

    /// Source: docs.docker.com, "Runtime privilege and Linux capabilities".
    package static let capabilities = [
        "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD", "CAP_NET_BIND_SERVICE",
        "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
    ]

    /// What needs the network namespace or the cgroup comes last: until then the start does two things at once.
    package static let mounts = [
        RuntimeSpec.Mount(destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"]),
        RuntimeSpec.Mount(
            destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        RuntimeSpec.Mount(
            destination: "/dev/pts", type: "devpts", source: "devpts",
            options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
        RuntimeSpec.Mount(
            destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
        RuntimeSpec.Mount(destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"]),
        RuntimeSpec.Mount(destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"]),
        RuntimeSpec.Mount(
            destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid", "noexec", "nodev"]),
    ]

    package static let maskedPaths = [
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
        "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
    ]

    package static let readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]

    /// Nothing, but for what the runtime itself allows.
    package static let deviceRules = [RuntimeSpec.Linux.DeviceCgroup(allow: false, access: "rwm")]

    /// All but user and time.
    package static let namespaces = ["pid", "network", "ipc", "uts", "mount", "cgroup"].map { RuntimeSpec.Linux.Namespace(type: $0) }

    /// Soft 1024, which old programs can live with; hard as this process may give it, so that setting it never fails. The daemon raises
    /// its own limit, which containers must not inherit.
    private static var openFiles: RuntimeSpec.Rlimit {
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        let known = ctr_get_limit(7, &soft, &hard) == 0
        let most = known ? hard : 1024
        return RuntimeSpec.Rlimit(type: "RLIMIT_NOFILE", hard: min(most, 524_288), soft: min(most, 1024))
    }

    private static func linux(_ withSeccomp: Bool) -> RuntimeSpec.Linux {
        var linux = RuntimeSpec.Linux()
        linux.namespaces = namespaces
        var resources = RuntimeSpec.Linux.Resources()
        resources.devices = deviceRules
        linux.resources = resources
        linux.maskedPaths = maskedPaths
        linux.readonlyPaths = readonlyPaths
        if withSeccomp { linux.seccomp = DefaultSeccomp.profile(capabilities: capabilities) }
        return linux
    }
}
