// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Proxies between the node and its registries, as the environment names them: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`, or in lower case,
/// which goes first. Loopback is always asked directly.
///
/// A proxy gets a CONNECT, for plain registries too: what is said to a registry, passwords included, is said through a tunnel.
package struct RegistryProxies: Sendable, Hashable {
    package struct Server: Sendable, Hashable {
        package var host: String
        package var port: Int
        /// SOCKS 5 instead of HTTP.
        package var isSOCKS = false
        package var username: String?
        package var password: String?

        package init(host: String, port: Int, isSOCKS: Bool = false, username: String? = nil, password: String? = nil) {
            self.host = host
            self.port = port
            self.isSOCKS = isSOCKS
            self.username = username
            self.password = password
        }
    }

    package enum Way: Sendable, Hashable {
        case direct
        case through(Server)
        /// The environment names something that can't be used; asking directly instead would go round what somebody set up.
        case unusable(String)
    }

    private var https = Way.direct
    private var http = Way.direct
    private var exceptions: [Exception] = []

    package static let none = RegistryProxies(environment: [:])

    /// Those of this process.
    package static var ofProcess: RegistryProxies {
        let names = ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"].flatMap { [$0, $0.lowercased()] }
        let values = names.compactMap { name in getenv(name).map { (name, String(cString: $0)) } }
        return RegistryProxies(environment: Dictionary(values) { first, _ in first })
    }

    package init(environment: [String: String]) {
        func value(_ name: String) -> String { environment[name.lowercased()] ?? environment[name] ?? "" }
        https = Self.way(value("HTTPS_PROXY"))
        http = Self.way(value("HTTP_PROXY"))
        exceptions = value("NO_PROXY").split { $0 == "," || $0 == " " }.map { Exception($0.lowercased()) }
    }

    /// - Parameter host: in lower case, an IPv6 address in its brackets.
    package func way(to host: String, port: UInt16, tls: Bool) -> Way {
        let way = tls ? https : http
        if way == .direct || RegistryConfiguration.isLoopback(host) || exceptions.contains(where: { $0.covers(host, port) }) {
            return .direct
        }
        return way
    }

    /// `[scheme://][user[:password]@]host[:port]`
    private static func way(_ text: String) -> Way {
        if text.isEmpty { return .direct }
        var rest = text[...]
        var isSOCKS = false
        if let mark = rest.firstRange(of: "://") {
            switch rest[..<mark.lowerBound].lowercased() {
            case "http": break
            case "socks5", "socks5h": isSOCKS = true
            case let scheme: return .unusable("a proxy with \"\(scheme)\"; http and socks5 can be used")
            }
            rest = rest[mark.upperBound...]
        }
        var server = Server(host: "", port: isSOCKS ? 1080 : 80, isSOCKS: isSOCKS)
        if let at = rest.lastIndex(of: "@") {
            let user = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(user[0]), let password = decoded(user.count > 1 ? user[1] : "") else {
                return .unusable("a proxy with a user name that can't be read")
            }
            // Only HTTP's way to show them is spoken here.
            if isSOCKS { return .unusable("a SOCKS proxy with a password") }
            server.username = name
            server.password = password
            rest = rest[rest.index(after: at)...]
        }
        // The rest is read as strictly as every other address.
        guard let address = WebAddress("http://\(rest)"), address.target == "/" else {
            return .unusable("a proxy whose address can't be read")
        }
        server.host = address.origin.host.hasPrefix("[") ? String(address.origin.host.dropFirst().dropLast()) : address.origin.host
        if address.origin.port != 80 || rest.prefix(while: { $0 != "/" }).hasSuffix(":80") { server.port = Int(address.origin.port) }
        return .through(server)
    }

    /// Of percent signs. RFC 3986, 2.1.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(Substring(rest.prefix(2))), radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// One entry of `NO_PROXY`: `*`, `host`, `.domain`, an address or a network, the first three with a port if wanted.
private struct Exception: Sendable, Hashable {
    private var name: String
    private var port: UInt16?
    private var network: [UInt8]?
    private var bits = 0

    init(_ text: String) {
        name = text
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        if let address = Self.address(String(parts[0])), parts.count <= 2 {
            let all = address.count * 8
            if let bits = parts.count == 2 ? Int(parts[1]) : all, (0...all).contains(bits) {
                network = address
                self.bits = bits
                return
            }
        }
        if let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) {
            self.port = port
            name = String(text[..<colon])
        }
        if name.hasPrefix("*.") { name.removeFirst() }
    }

    func covers(_ host: String, _ port: UInt16) -> Bool {
        if let wanted = self.port, wanted != port { return false }
        if name == "*" { return true }
        if let network { return Self.address(host).map { Self.isSame($0, network, bits) } ?? false }
        if name.hasPrefix(".") { return host.hasSuffix(name) }
        return host == name || host.hasSuffix(".\(name)") && !name.isEmpty
    }

    private static func isSame(_ one: [UInt8], _ other: [UInt8], _ bits: Int) -> Bool {
        one.count == other.count
            && (0..<bits).allSatisfy { bit in (one[bit / 8] ^ other[bit / 8]) & (0x80 >> UInt8(bit % 8)) == 0 }
    }

    /// The 4 or 16 bytes of an address; nil where it is none.
    private static func address(_ text: String) -> [UInt8]? {
        let plain = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if inet_pton(family, plain, &bytes) == 1 { return bytes }
        }
        return nil
    }
}
