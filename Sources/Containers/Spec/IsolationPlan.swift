// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import Linux
package import OCI
internal import Runtime
internal import SystemPackage

/// The request's changes of the default isolation, checked.
package struct IsolationPlan: Sendable {
    private let request: IsolationRequest
    private let capabilities: [String]
    private let devices: [HostDevice]
    /// Which of its namespaces are other containers', and whose.
    private let foreign: [(kind: String, container: String)]
    /// nil: none.
    private let seccomp: RuntimeSpec.Linux.Seccomp?

    private var isPrivileged: Bool { request.privileged == true }

    /// - Throws: `ContainerError.invalidRequest` for what can't be honoured.
    /// - Parameter network: the container's, which is no part of the request for isolation.
    package init(_ request: IsolationRequest?, network: NetworkMode = .none) throws(ContainerError) {
        let request = request ?? IsolationRequest()
        self.request = request
        foreign = Self.foreignNamespaces(request, network)
        try Self.checkNamespaces(request, foreign)
        capabilities = try CapabilityChoice(request).names
        devices = try Self.devices(of: request)
        guard request.seccomp == nil || request.seccompProfile == nil else {
            throw .invalidRequest("a seccomp profile and \"\(request.seccomp?.rawValue ?? "")\" at once")
        }
        if let text = request.seccompProfile {
            seccomp = try SeccompProfile.read(text, capabilities: capabilities)
        } else if request.seccomp == .unconfined || request.seccomp == nil && request.privileged == true {
            seccomp = nil
        } else {
            seccomp = DefaultSeccomp.profile(capabilities: capabilities)
        }
    }

    /// The filter of every container that asks for nothing else, which is compiled once.
    package static func hasDefaultFilter(_ request: IsolationRequest?) -> Bool {
        guard let request else { return true }
        return request.privileged != true && request.seccomp != .unconfined && request.seccompProfile == nil
            && (request.capabilitiesAdded ?? []).isEmpty && (request.capabilitiesDropped ?? []).isEmpty
    }

    package var sharesHostName: Bool { request.uts == .host }
    /// Whether the name is another container's.
    package var sharesName: Bool { request.uts?.container != nil }

    /// By the spec's word for the kind.
    package static func foreignNamespaces(_ request: IsolationRequest, _ network: NetworkMode) -> [(kind: String, container: String)] {
        [
            ("pid", request.pid?.container), ("ipc", request.ipc?.container), ("uts", request.uts?.container),
            ("cgroup", request.cgroup?.container), ("network", network.container),
        ].compactMap { kind, container in container.map { (kind, $0) } }
    }

    private static func checkNamespaces(
        _ request: IsolationRequest, _ foreign: [(kind: String, container: String)]
    ) throws(ContainerError) {
        guard request.pid != .shareable, request.uts != .shareable, request.cgroup != .shareable else {
            throw .invalidRequest("a shareable namespace that is not ipc", remedy: "all others are shareable anyway")
        }
        guard let other = foreign.first?.container else { return }
        guard request.userNamespace == nil else {
            throw .invalidRequest(
                "a user namespace, and a namespace of container \"\(other)\"",
                remedy: "leave --userns out: a container that shares another's namespaces has that one's ids")
        }
    }

    /// - Throws: `ContainerError.invalidRequest` for a kernel parameter that is the host's.
    package func apply(to spec: inout RuntimeSpec) throws(ContainerError) {
        spec.process?.capabilities = RuntimeSpec.Capabilities(bounding: capabilities, effective: capabilities, permitted: capabilities)
        spec.process?.noNewPrivileges = request.noNewPrivileges ?? !isPrivileged
        if let profile = request.appArmorProfile, profile != "unconfined" { spec.process?.apparmorProfile = profile }
        spec.linux?.seccomp = seccomp
        if isPrivileged || request.systemPathsUnconfined == true {
            spec.linux?.maskedPaths = []
            spec.linux?.readonlyPaths = []
        }
        Self.add(devices, request, to: &spec)
        shareNamespaces(in: &spec)
        if isPrivileged { makeSystemWritable(in: &spec) }
        guard let sysctls = request.sysctls, !sysctls.isEmpty else { return }
        spec.linux?.sysctl = sysctls
        // Another container's namespace is not this one's to set.
        var own = spec
        own.linux?.namespaces?.removeAll { namespace in foreign.contains { $0.kind == namespace.type } }
        do throws(LaunchError) { try checkSysctls(of: own) } catch {
            throw .invalidRequest(error.reason ?? "a sysctl that is not the container's")
        }
    }

    /// In a spec that was made some time ago: the node's devices as they are now.
    package static func renewDevices(of request: IsolationRequest?, in spec: inout RuntimeSpec) throws(ContainerError) {
        let request = request ?? IsolationRequest()
        spec.linux?.resources?.devices = DefaultSpec.deviceRules
        try add(devices(of: request), request, to: &spec)
    }

    private static func devices(of request: IsolationRequest) throws(ContainerError) -> [HostDevice] {
        var devices: [HostDevice] = []
        if request.privileged == true { devices = try HostDevice.all() }
        for device in request.devices ?? [] {
            let found = try HostDevice(device)
            devices.removeAll { $0.target == found.target }
            devices.append(found)
        }
        return devices
    }

    private static func add(_ devices: [HostDevice], _ request: IsolationRequest, to spec: inout RuntimeSpec) {
        var rules = spec.linux?.resources?.devices ?? []
        if request.privileged == true {
            rules.append(RuntimeSpec.Linux.DeviceCgroup(allow: true, access: "rwm"))
        } else {
            rules += devices.map(\.rule)
        }
        spec.linux?.resources?.devices = rules
        spec.linux?.devices = devices.isEmpty ? nil : devices.map(\.node)
    }

    private func shareNamespaces(in spec: inout RuntimeSpec) {
        let shared = [("pid", request.pid), ("ipc", request.ipc), ("uts", request.uts), ("cgroup", request.cgroup)]
            .filter { $0.1 == .host }.map(\.0)
        spec.linux?.namespaces?.removeAll { shared.contains($0.type) }
        if shared.contains("uts") || sharesName { spec.hostname = nil }
        guard shared.contains("ipc") else { return }
        // A new mount of mqueue shows the namespace's queues; POSIX shared memory is files, and the host's are in its own tmpfs.
        spec.mounts = spec.mounts?.map { mount in
            guard mount.destination == "/dev/shm", mount.type != "bind" else { return mount }
            return RuntimeSpec.Mount(
                destination: mount.destination, type: "bind", source: "/dev/shm", options: ["rbind", "nosuid", "nodev", "noexec"])
        }
    }

    /// sysfs and the cgroup hierarchies: what a program that administers the node needs.
    private func makeSystemWritable(in spec: inout RuntimeSpec) {
        spec.mounts = spec.mounts?.map { mount in
            var mount = mount
            if mount.type == "sysfs" || mount.type == "cgroup" { mount.options?.removeAll { $0 == "ro" } }
            return mount
        }
    }
}

/// Which capabilities come of a list of additions and one of drops. Source: Docker's `--cap-add` and `--cap-drop`: what is added wins.
private struct CapabilityChoice {
    let names: [String]

    init(_ request: IsolationRequest) throws(ContainerError) {
        if (request.capabilitiesAdded ?? []).isEmpty, (request.capabilitiesDropped ?? []).isEmpty, request.privileged != true {
            names = DefaultSpec.capabilities
            return
        }
        let added = try (request.capabilitiesAdded ?? []).map(Self.name)
        let dropped = try (request.capabilitiesDropped ?? []).map(Self.name)
        let available = CapabilitySets.available()
        for name in added where name != Self.all && !available.contains(name) {
            throw .invalidRequest(
                "capability \(name): the daemon has not got it itself", remedy: "leave it out, or run the daemon where it is not taken away"
            )
        }
        var names = added.contains(Self.all) || request.privileged == true ? available : DefaultSpec.capabilities
        names.removeAll { dropped.contains($0) || dropped.contains(Self.all) }
        names += added.filter { $0 != Self.all && !names.contains($0) }
        self.names = names
    }

    private static let all = "CAP_ALL"

    private static func name(_ text: String) throws(ContainerError) -> String {
        let upper = text.uppercased()
        let name = upper.hasPrefix("CAP_") ? upper : "CAP_" + upper
        guard name == all || CapabilitySets.known().contains(name) else {
            throw .invalidRequest(
                "capability \"\(text)\": this kernel has none of that name", remedy: "use a name of capabilities(7), or ALL")
        }
        return name
    }
}
