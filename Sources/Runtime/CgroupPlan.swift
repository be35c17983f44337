// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import OCI
internal import SystemPackage

/// Where a container's cgroup is and what it allows.
struct CgroupPlan {
    private let path: String
    private let resources: RuntimeSpec.Linux.Resources?
    private let devices: [DeviceRule]

    init(path: String, resources: RuntimeSpec.Linux.Resources?) throws(LaunchError) {
        try SpecCheck.noNUL(path, "linux.cgroupsPath")
        guard !path.contains(":") else { throw .refused("cgroupsPath \"\(path)\": systemd's form is not supported yet") }
        let components = FilePath(path).lexicallyNormalized().components
        guard !components.isEmpty, components.allSatisfy({ $0.kind == .regular }) else {
            throw .refused("cgroupsPath \"\(path)\" leads out of the hierarchy")
        }
        self.path = FilePath(root: nil, components).string
        self.resources = resources
        devices = try DeviceRule.all(resources?.devices ?? [])
    }

    /// The paths on this machine; nothing is made yet.
    /// - Returns: where its directories will be, and where an update may make others.
    func prepare() throws(LaunchError) -> (now: CgroupHandle, later: CgroupHandle) {
        let layout = try during(.cgroup) { () throws(KernelError) in try CgroupLayout.detect() }
        guard !layout.hierarchies.isEmpty else { throw LaunchError(step: .cgroup, reason: "no cgroup filesystem is mounted") }
        let now = CgroupHandle(layout, path: path, without: unwanted(layout))
        return (now, now.complement(layout))
    }

    /// A v1 group that limits nothing and counts nothing is not made: each costs as much as three mounts.
    private func unwanted(_ layout: CgroupLayout) -> Set<String> {
        var names: Set<String> = ["net_cls", "net_prio", "perf_event", "rdma", "misc", "hugetlb", "cpuset"]
        // The v2 hierarchy beside them freezes, kills and tells systemd whose process it is.
        if layout.unified != nil { names.formUnion(["freezer", "name=systemd"]) }
        guard let resources else { return names }
        for file in (resources.unified ?? [:]).keys { names.remove(String(file.prefix { $0 != "." })) }
        if resources.cpu?.cpus != nil || resources.cpu?.mems != nil { names.remove("cpuset") }
        if !(resources.hugepageLimits ?? []).isEmpty { names.remove("hugetlb") }
        if resources.network?.classID != nil { names.remove("net_cls") }
        if !(resources.network?.priorities ?? []).isEmpty { names.remove("net_prio") }
        if !(resources.rdma ?? [:]).isEmpty { names.remove("rdma") }
        return names
    }

    /// Writes the limits and the device rules. They hold before the container's process is in the group.
    /// - Throws: `LaunchError` naming the file and the value; also for a limit whose controller this machine lacks.
    func apply(to handle: CgroupHandle) throws(LaunchError) {
        try CgroupSetting.write(CgroupSettings(handle).all(resources), to: handle)
        try during(.limits) { () throws(KernelError) in try applyDevices(handle) }
    }

    private func applyDevices(_ handle: CgroupHandle) throws(KernelError) {
        guard let classic = handle.directory(of: "devices") else {
            guard let unified = handle.unified else {
                throw KernelError(call: "write(2)", object: "a devices cgroup", errno: .noSuchFileOrDirectory)
            }
            return try DeviceProgram.attach(devices, to: unified)
        }
        try writeFile(classic.location.appending("devices.deny"), "a")
        // One rule a write, as the kernel wants it; one open for all that follow each other.
        var rest = devices[...]
        while let first = rest.first {
            let run = rest.prefix { $0.allow == first.allow }
            try writeLines(classic.location.appending(first.allow ? "devices.allow" : "devices.deny"), run.map(\.text))
            rest = rest[run.endIndex...]
        }
    }
}

extension DeviceRule {
    /// The spec's rules, then what every container needs. Nodes may be made; opening them is what is guarded.
    static func all(_ rules: [RuntimeSpec.Linux.DeviceCgroup]) throws(LaunchError) -> [DeviceRule] {
        try rules.map { rule throws(LaunchError) in try DeviceRule(rule) } + standard
    }

    private static let standard: [DeviceRule] =
        [
            DeviceRule(allow: true, kind: .character, major: nil, minor: nil, access: .makeNode),
            DeviceRule(allow: true, kind: .block, major: nil, minor: nil, access: .makeNode),
        ]
        + [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2), (136, nil)].map { major, minor in
            DeviceRule(allow: true, kind: .character, major: UInt32(major), minor: minor.map { UInt32($0 as Int) }, access: .all)
        }

    init(_ rule: RuntimeSpec.Linux.DeviceCgroup) throws(LaunchError) {
        let kind: Kind?
        switch rule.type {
        case nil, "", "a": kind = nil
        case "b": kind = .block
        case "c": kind = .character
        case .some(let type): throw .refused("device rule: unknown type \"\(type)\"")
        }
        var access: Access = []
        for letter in rule.access ?? "rwm" {
            switch letter {
            case "r": access.insert(.read)
            case "w": access.insert(.write)
            case "m": access.insert(.makeNode)
            default: throw .refused("device rule: unknown access \"\(letter)\"")
            }
        }
        self.init(
            allow: rule.allow, kind: kind, major: try Self.number(rule.major), minor: try Self.number(rule.minor),
            access: access.isEmpty ? .all : access)
    }

    /// Negative is the spec's old way to say "all".
    private static func number(_ value: Int64?) throws(LaunchError) -> UInt32? {
        guard let value, value >= 0 else { return nil }
        guard let number = UInt32(exactly: value) else { throw .refused("device rule: no device number \(value)") }
        return number
    }
}
