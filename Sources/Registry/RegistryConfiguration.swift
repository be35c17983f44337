// SPDX-License-Identifier: Apache-2.0

internal import OCI

/// How registries are spoken to.
package struct RegistryConfiguration: Sendable {
    /// `host[:port]` without TLS. Loopback always may.
    package var insecureRegistries: Set<String>
    /// Registry host to a PEM file with further roots of trust. A registry that is named here is asked by TLS, on loopback too.
    package var certificates: [String: String]
    package var timing = RegistryTiming()
    package var proxies = RegistryProxies.ofProcess

    package init(insecureRegistries: [String] = [], certificates: [String: String] = [:]) {
        self.insecureRegistries = Set(insecureRegistries)
        self.certificates = certificates
    }

    /// Where a registry's API begins. - Returns: nil for what is no host.
    func base(of registry: String) -> WebAddress? {
        // Where Docker's own registry really is.
        let host = registry == ImageReference.defaultRegistry ? "registry-1.docker.io" : registry
        return WebAddress("\(scheme(of: registry).rawValue)://\(host)/v2/")
    }

    func scheme(of registry: String) -> WebAddress.Scheme {
        if certificates[registry] != nil { return .https }
        return insecureRegistries.contains(registry) || Self.isLoopback(registry) ? .http : .https
    }

    /// May a registry at `origin` send its client on to `next`? Plain text is for those that are configured so, for loopback within loopback,
    /// and never for who comes from TLS: anybody on the way could answer.
    func allows(_ next: WebAddress.Origin, from origin: WebAddress.Origin) -> Bool {
        if next.scheme == .https { return true }
        guard origin.scheme == .http else { return false }
        if names(next).contains(where: insecureRegistries.contains) { return true }
        return Self.isLoopback(next.host) && Self.isLoopback(origin.host)
    }

    /// The PEM file for a host, also where it is a token server or a store of blobs.
    func certificate(for origin: WebAddress.Origin) -> String? {
        guard origin.scheme == .https else { return nil }
        return names(origin).compactMap { certificates[$0] }.first
    }

    /// As somebody may have written it down.
    private func names(_ origin: WebAddress.Origin) -> [String] {
        let docker = origin.host == "registry-1.docker.io" ? [ImageReference.defaultRegistry] : []
        return [origin.authority, "\(origin.host):\(origin.port)"] + docker
    }

    static func isLoopback(_ registry: String) -> Bool {
        if registry.hasPrefix("[") { return registry.prefix { $0 != "]" } == "[::1" }
        let host = registry.prefix { $0 != ":" }.lowercased()
        if host == "localhost" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
