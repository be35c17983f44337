// SPDX-License-Identifier: Apache-2.0

internal import OCI

/// How registries are spoken to.
package struct RegistryConfiguration: Sendable {
    /// `host[:port]` without TLS. Loopback always may.
    package var insecureRegistries: Set<String>
    /// Registry host to a PEM file with further roots of trust.
    package var certificates: [String: String]

    package init(insecureRegistries: [String] = [], certificates: [String: String] = [:]) {
        self.insecureRegistries = Set(insecureRegistries)
        self.certificates = certificates
    }

    /// Where Docker's own registry really is.
    static func host(of registry: String) -> String { registry == ImageReference.defaultRegistry ? "registry-1.docker.io" : registry }

    func scheme(of registry: String) -> String { insecureRegistries.contains(registry) || Self.isLoopback(registry) ? "http" : "https" }

    static func isLoopback(_ registry: String) -> Bool {
        if registry.hasPrefix("[") { return registry.prefix { $0 != "]" } == "[::1" }
        let host = registry.prefix { $0 != ":" }
        if host == "localhost" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
