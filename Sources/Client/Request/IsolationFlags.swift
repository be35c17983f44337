// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import Linux

/// What was typed of `--cap-add`, `--security-opt`, `--device` and their like.
package struct IsolationFlags: Sendable {
    package var capabilitiesAdded: [String] = []
    package var capabilitiesDropped: [String] = []
    package var privileged = false
    package var securityOptions: [String] = []
    package var devices: [String] = []
    package var sysctls: [String] = []
    package var groups: [String] = []
    /// The option, and its value.
    package var namespaces: [(option: String, value: String?)] = []
    package var userNamespace: String?

    package init() {}

    /// - Returns: nil where nothing was asked for.
    package func request(_ surroundings: RunFlags.Surroundings) throws(UsageError) -> IsolationRequest? {
        var request = IsolationRequest()
        if !capabilitiesAdded.isEmpty { request.capabilitiesAdded = capabilitiesAdded }
        if !capabilitiesDropped.isEmpty { request.capabilitiesDropped = capabilitiesDropped }
        if privileged { request.privileged = true }
        for option in securityOptions { try apply(option, to: &request, surroundings) }
        if !devices.isEmpty { request.devices = try devices.map { text throws(UsageError) in try Self.device(text) } }
        for text in sysctls {
            let pair = Self.pair(text)
            guard let value = pair.value, !pair.key.isEmpty else { throw UsageError("--sysctl", text, "no value", remedy: "use key=value") }
            request.sysctls = (request.sysctls ?? [:]).merging([pair.key: value]) { $1 }
        }
        if !groups.isEmpty { request.groups = groups }
        for (option, value) in namespaces {
            guard let value else { continue }
            let choice = try Self.namespace(option, value)
            switch option {
            case "--pid": request.pid = choice
            case "--ipc": request.ipc = choice
            case "--uts": request.uts = choice
            default: request.cgroup = choice
            }
        }
        if let userNamespace { request.userNamespace = try Self.userNamespace(userNamespace) }
        return request == IsolationRequest() ? nil : request
    }

    private static func namespace(_ option: String, _ value: String) throws(UsageError) -> NamespaceChoice {
        let choice = NamespaceChoice(rawValue: value)
        switch (choice, option) {
        case (.shareable?, "--ipc"), (.private?, _), (.host?, _): break
        case (.container?, _): break
        default:
            let further = option == "--ipc" ? ", shareable" : ""
            throw UsageError(option, value, "no such choice", remedy: "use private\(further), host or container:NAME")
        }
        return choice ?? .private
    }

    /// Podman's word for `keep` is taken too.
    private static func userNamespace(_ text: String) throws(UsageError) -> UserNamespaceChoice {
        guard let choice = UserNamespaceChoice(rawValue: text == "keep-id" ? "keep" : text) else {
            throw UsageError("--userns", text, "no such choice", remedy: "use host, auto or keep")
        }
        return choice
    }

    private func apply(_ option: String, to request: inout IsolationRequest, _ surroundings: RunFlags.Surroundings) throws(UsageError) {
        let (key, value) = Self.pair(option)
        switch (key, value) {
        case ("seccomp", "unconfined"): request.seccomp = .unconfined
        case ("seccomp", "default"), ("seccomp", "builtin"): request.seccomp = .default
        case ("seccomp", let file?): request.seccompProfile = try profile(file, surroundings)
        case ("no-new-privileges", nil), ("no-new-privileges", "true"): request.noNewPrivileges = true
        case ("no-new-privileges", "false"): request.noNewPrivileges = false
        case ("apparmor", let name?): request.appArmorProfile = name
        case ("systempaths", "unconfined"): request.systemPathsUnconfined = true
        default:
            throw UsageError(
                "--security-opt", option, "no such option",
                remedy: "use seccomp=unconfined or seccomp=FILE, no-new-privileges=true|false, apparmor=PROFILE or systempaths=unconfined")
        }
    }

    private func profile(_ file: String, _ surroundings: RunFlags.Surroundings) throws(UsageError) -> String {
        let bytes: [UInt8]
        do throws(KernelError) { bytes = try surroundings.readFile(file).get() } catch {
            throw UsageError("--security-opt", "seccomp=\(file)", "\(error.call): \(error.errno)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw UsageError("--security-opt", "seccomp=\(file)", "no UTF-8", remedy: "use a profile in JSON")
        }
        return text
    }

    /// `/dev/host[:/dev/container][:rwm]`.
    private static func device(_ text: String) throws(UsageError) -> DeviceRequest {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let isSound = (1...3).contains(parts.count) && parts[0].hasPrefix("/") && (parts.count < 3 || parts[1].hasPrefix("/"))
        guard isSound else {
            throw UsageError("--device", text, "not /dev/host[:/dev/container][:rwm]", remedy: "use absolute paths, and letters of rwm")
        }
        if parts.count == 1 { return DeviceRequest(source: parts[0]) }
        if parts.count == 2, !parts[1].hasPrefix("/") { return DeviceRequest(source: parts[0], access: parts[1]) }
        return DeviceRequest(source: parts[0], target: parts[1], access: parts.count == 3 ? parts[2] : nil)
    }

    private static func pair(_ text: String) -> (key: String, value: String?) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return (parts[0], parts.count == 2 ? parts[1] : nil)
    }
}
