// SPDX-License-Identifier: Apache-2.0

/// An absolute http or https URL, taken apart once and strictly: what two readers could read differently (user names before the host,
/// backslashes, control bytes) is refused. Source: RFC 3986, 3.2; RFC 9110, 4.3.
package struct WebAddress: Sendable, Hashable, CustomStringConvertible {
    enum Scheme: String, Sendable, Hashable {
        case http, https
        var port: UInt16 { self == .http ? 80 : 443 }
    }

    /// Who answers: credentials are for one origin.
    struct Origin: Sendable, Hashable, CustomStringConvertible {
        var scheme: Scheme
        /// In lower case; an IPv6 address in its brackets.
        var host: String
        var port: UInt16

        /// `host[:port]`, as registries are written.
        var authority: String { port == scheme.port ? host : "\(host):\(port)" }
        var description: String { "\(scheme.rawValue)://\(authority)" }
    }

    var origin: Origin
    /// Path and query, from the first slash on.
    var target: String

    package var description: String { "\(origin)\(target)" }

    package init?(_ text: String) {
        guard text.utf8.count <= 16 << 10, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }),
            let mark = text.firstRange(of: "://"), let scheme = Scheme(rawValue: text[..<mark.lowerBound].lowercased())
        else { return nil }
        let rest = text[mark.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let origin = Self.origin(scheme, authority) else { return nil }
        self.origin = origin
        let target = rest[authority.endIndex...].prefix { $0 != "#" }
        self.target = target.hasPrefix("/") ? String(target) : "/\(target)"
    }

    /// Where a `Location` leads to. - Returns: nil where it leads nowhere that can be asked.
    package func resolving(_ location: String) -> WebAddress? {
        if location.hasPrefix("//") { return WebAddress("\(origin.scheme.rawValue):\(location)") }
        if location.hasPrefix("/") { return WebAddress("\(origin)\(location)") }
        if location.isEmpty { return nil }
        // A colon before the path begins ends a scheme.
        if location.prefix(while: { $0 != "/" && $0 != "?" && $0 != "#" }).contains(":") { return WebAddress(location) }
        let path = target.prefix { $0 != "?" }
        let directory = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
        return WebAddress(location.hasPrefix("?") ? "\(origin)\(path)\(location)" : "\(origin)\(directory)\(location)")
    }

    private static func origin(_ scheme: Scheme, _ authority: Substring) -> Origin? {
        var host = authority
        var port = scheme.port
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            let digits = authority[authority.index(after: colon)...]
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(digits), number > 0 else {
                return nil
            }
            port = number
            host = authority[..<colon]
        }
        guard isName(host) || isAddress(host) else { return nil }
        return Origin(scheme: scheme, host: host.lowercased(), port: port)
    }

    private static func isName(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
                default: false
                }
            }
    }

    private static func isAddress(_ text: Substring) -> Bool {
        text.utf8.count > 2 && text.hasPrefix("[") && text.hasSuffix("]")
            && text.dropFirst().dropLast().utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x46, 0x61...0x66, UInt8(ascii: ":"), UInt8(ascii: "."): true
                default: false
                }
            }
    }
}
