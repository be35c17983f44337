// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import OCI
internal import SystemPackage

// From the spec's members to the plan's parts: names become numbers, options are sorted, and what makes no sense is refused.

extension ProcessPlan {
    init(_ process: RuntimeSpec.Process, personality: RuntimeSpec.Linux.Personality?) throws(LaunchError) {
        program = FilePath(process.args.first ?? "")
        guard !program.isEmpty else { throw .refused("process.args has no program") }
        searchPath = Self.searchPath(process.env ?? [])
        let directory = try SpecCheck.noNUL(process.cwd, "process.cwd")
        guard FilePath(directory).isAbsolute else { throw .refused("process.cwd \"\(directory)\" is not an absolute path") }
        workingDirectory = FilePath(root: nil, FilePath(directory).components)
        user = try UserPlan(process.user)
        capabilities = CapabilitySets()
        capabilities.bounding = try CapabilitySets.mask(process.capabilities?.bounding)
        capabilities.effective = try CapabilitySets.mask(process.capabilities?.effective)
        capabilities.permitted = try CapabilitySets.mask(process.capabilities?.permitted)
        capabilities.inheritable = try CapabilitySets.mask(process.capabilities?.inheritable)
        // The kernel has no ambient capability that is not also permitted and inheritable. `runc spec` asks for some; like runc's, such
        // a request comes to nothing, which gives the program less, never more.
        capabilities.ambient = try CapabilitySets.mask(process.capabilities?.ambient) & capabilities.permitted & capabilities.inheritable
        noNewPrivileges = process.noNewPrivileges ?? false
        var seen: Set<String> = []
        limits = try (process.rlimits ?? []).map { limit throws(LaunchError) in
            guard seen.insert(limit.type).inserted else { throw .refused("\(limit.type) is given twice") }
            return try ResourceLimit(limit)
        }
        outOfMemoryScore = process.oomScoreAdj.map { Int($0) }
        if let score = outOfMemoryScore, !(-1000...1000).contains(score) { throw .refused("oomScoreAdj \(score) is not in -1000...1000") }
        scheduling = try process.scheduler.map { scheduler throws(LaunchError) in try SchedulingAttributes(scheduler) }
        ioPriority = try process.ioPriority.map { priority throws(LaunchError) in try Self.value(of: priority) }
        self.personality = try personality.map { persona throws(LaunchError) in
            guard (persona.flags ?? []).isEmpty else { throw .refused("personality flags are not supported") }
            switch persona.domain {
            case "LINUX": return 0
            case "LINUX32": return 8
            default: throw .refused("unknown personality \"\(persona.domain)\"")
            }
        }
    }

    /// The container's PATH; the first one where it is given twice, as getenv(3) has it. An empty part is the working directory.
    private static func searchPath(_ environment: [String]) -> [FilePath] {
        let path =
            environment.first { $0.hasPrefix("PATH=") }.map { $0.dropFirst(5) }
            ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return path.split(separator: ":", omittingEmptySubsequences: false).map { $0.isEmpty ? "." : FilePath(String($0)) }
    }
}

extension UserPlan {
    init(_ user: RuntimeSpec.User) throws(LaunchError) {
        uid = user.uid
        gid = user.gid
        groups = user.additionalGids ?? []
        umask = user.umask ?? 0o022
        // The kernel reads -1 as "leave it": root would stay root (CVE-2024-40635).
        guard uid != .max, gid != .max, !groups.contains(.max) else { throw .refused("4294967295 is no user or group") }
        guard umask <= 0o777 else { throw .refused("umask \(umask) is more than 511") }
    }
}

extension ResourceLimit {
    init(_ limit: RuntimeSpec.Rlimit) throws(LaunchError) {
        guard let resource = Self.numbers[limit.type] else { throw .refused("unknown resource limit \"\(limit.type)\"") }
        guard limit.soft <= limit.hard else { throw .refused("\(limit.type): soft \(limit.soft) is above hard \(limit.hard)") }
        self.init(name: limit.type, resource: resource, soft: limit.soft, hard: limit.hard)
    }

    /// Source: <asm-generic/resource.h>.
    private static let numbers: [String: CInt] = [
        "RLIMIT_CPU": 0, "RLIMIT_FSIZE": 1, "RLIMIT_DATA": 2, "RLIMIT_STACK": 3, "RLIMIT_CORE": 4, "RLIMIT_RSS": 5, "RLIMIT_NPROC": 6,
        "RLIMIT_NOFILE": 7, "RLIMIT_MEMLOCK": 8, "RLIMIT_AS": 9, "RLIMIT_LOCKS": 10, "RLIMIT_SIGPENDING": 11, "RLIMIT_MSGQUEUE": 12,
        "RLIMIT_NICE": 13, "RLIMIT_RTPRIO": 14, "RLIMIT_RTTIME": 15,
    ]
}

extension NamespacePlan {
    init(_ namespaces: [RuntimeSpec.Linux.Namespace]) throws(LaunchError) {
        var seen: Namespaces = []
        for namespace in namespaces {
            guard let kind = Self.kinds[namespace.type] else { throw .refused("unknown namespace \"\(namespace.type)\"") }
            guard seen.insert(kind).inserted else { throw .refused("namespace \"\(namespace.type)\" is given twice") }
            guard let path = namespace.path, !path.isEmpty else {
                new.insert(kind)
                continue
            }
            joined.append((kind, FilePath(try SpecCheck.noNUL(path, "namespace path"))))
        }
    }

    private static let kinds: [String: Namespaces] = [
        "mount": .mount, "uts": .uts, "ipc": .ipc, "user": .user, "pid": .pid, "network": .network, "cgroup": .cgroup, "time": .time,
    ]
}

extension MountPlan {
    init(_ mount: RuntimeSpec.Mount, bundle: FilePath) throws(LaunchError) {
        destination = mount.destination
        // Old specs have relative destinations; they mean the same.
        let text = mount.destination.utf8.first == UInt8(ascii: "/") ? mount.destination : "/" + mount.destination
        target = try SpecCheck.rootPath(text, "mount destination")
        let mappings = try IDMappings.read(mount.uidMappings, mount.gidMappings, "mount \(mount.destination)")
        owners = mappings.map { Owners(mappings: $0, recursive: false) }
        var remounts = false
        var flags = MountFlags()
        var bind: Bool? = mount.type == "bind" ? false : nil
        var rest: [Option] = []
        for option in mount.options ?? [] {
            try SpecCheck.noNUL(option, "mount option")
            switch option {
            case "bind": bind = bind ?? false
            case "rbind": bind = true
            case "idmap": owners = Owners(mappings: mappings, recursive: false)
            case "ridmap": owners = Owners(mappings: mappings, recursive: true)
            case "tmpcopyup": copiesUp = true
            case "remount": remounts = true
            case _ where Self.withoutEffect.contains(option): continue
            case _ where flags.apply(option): continue
            default:
                let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                rest.append(Option(key: String(parts[0]), value: parts.count > 1 ? String(parts[1]) : nil))
            }
        }
        self.flags = flags
        guard owners == nil || bind != nil else { throw .refused("mount \(mount.destination): only binds can be id-mapped") }
        if copiesUp, bind != nil || mount.type != "tmpfs" { throw .refused("mount \(mount.destination): tmpcopyup is for a tmpfs") }
        if remounts {
            guard rest.isEmpty else { throw .refused("remount of \(mount.destination): \"\(rest[0].key)\" can't be changed") }
            kind = .remount
            return
        }
        let source = try SpecCheck.noNUL(mount.source ?? "", "mount source")
        if let recursive = bind {
            guard !source.isEmpty else { throw .refused("bind mount \(mount.destination) has no source") }
            // What mount(2) ignores for a bind, and engines pass on.
            rest.removeAll { Self.ignoredForBinds.contains($0.key) && $0.value != nil }
            guard rest.isEmpty else {
                let isKnown = Self.ofFilesystems.contains(rest[0].key)
                let what = isKnown ? "a filesystem's option, not a bind's: \"\(rest[0].key)\"" : "unknown option \"\(rest[0].key)\""
                throw .refused("bind mount \(mount.destination): \(what)")
            }
            kind = .bind(source: bundle.pushing(FilePath(source)), recursive: recursive)
            return
        }
        guard let type = mount.type, !type.isEmpty, type != "none" else { throw .refused("mount \(mount.destination) has no type") }
        try SpecCheck.noNUL(type, "mount type")
        if type == "cgroup" || type == "cgroup2" {
            guard rest.isEmpty else { throw .refused("cgroup mount: unknown option \"\(rest[0].key)\"") }
            kind = .cgroup
        } else if type == "overlay", let layers = LayersMount(rest) {
            kind = .layers(layers)
        } else {
            kind = .filesystem(type: type, source: source, options: rest)
        }
    }
}

extension MountPlan {
    /// What is so anyway.
    static let withoutEffect: Set<String> = ["defaults", "async", "nomand", "nolazytime", "noiversion", "silent", "loud"]
    /// Words that are about more than a mount's attributes, for `features`.
    static var words: [String] {
        ["bind", "rbind", "remount", "tmpcopyup", "idmap", "ridmap"] + withoutEffect + ofFilesystems
    }
    static let ignoredForBinds: Set<String> = ["mode", "size", "uid", "gid", "nr_inodes", "nr_blocks"]
    /// Words that go to the filesystem itself. Source: mount(8).
    static let ofFilesystems: Set<String> = ["sync", "dirsync", "lazytime", "iversion", "mand"]
}

extension DeviceNode {
    /// The standard ones, then the spec's; the spec wins where both name a path.
    static func all(_ devices: [RuntimeSpec.Linux.Device]) throws(LaunchError) -> [DeviceNode] {
        let own = try devices.map { device throws(LaunchError) in try DeviceNode(device) }
        let paths = Set(own.map(\.path))
        return standard.filter { !paths.contains($0.path) } + own
    }

    init(_ device: RuntimeSpec.Linux.Device) throws(LaunchError) {
        path = try SpecCheck.rootPath(device.path, "device path")
        let type: UInt32
        switch device.type {
        case "c", "u": type = S_IFCHR
        case "b": type = S_IFBLK
        case "p": type = S_IFIFO
        default: throw .refused("device \(device.path): unknown type \"\(device.type)\"")
        }
        let permissions = device.fileMode.map { UInt32($0) } ?? 0o666
        guard permissions <= 0o7777 else { throw .refused("device \(device.path): mode is more than 4095") }
        mode = type | permissions
        guard let major = UInt32(exactly: device.major ?? 0), let minor = UInt32(exactly: device.minor ?? 0), major < 1 << 12,
            minor < 1 << 20
        else {
            throw .refused("device \(device.path): no such number")
        }
        // 0:0 is overlayfs's mark of a deleted file.
        guard type == S_IFIFO || major != 0 || minor != 0 else { throw .refused("device \(device.path): 0:0 is no device") }
        number = type == S_IFIFO ? 0 : ctr_makedev(major, minor)
        uid = device.uid ?? 0
        gid = device.gid ?? 0
    }
}
