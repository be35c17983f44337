// SPDX-License-Identifier: Apache-2.0

package import Linux

/// Where a native probe goes: `http://:8080/ready`, `tcp://:5432`, `tcp://[::1]:5432`. Without a host it is the container's own loopback.
///
/// Only addresses: whoever asks has no resolver in the container, and the node's would tell of another network.
package struct ProbeTarget: Codable, Sendable, Hashable {
    package enum Scheme: String, Codable, Sendable, Hashable { case http, tcp }

    package let scheme: Scheme
    /// As `InternetAddress` reads it.
    package let host: String
    package let port: UInt16
    /// With the query, percent-encoded as it was given; "" for tcp.
    package let path: String

    /// Why a text is none.
    package struct Refusal: Error, Sendable, Hashable {
        package let reason: String
        package let remedy: String
    }

    private static let example = "use http://:8080/ready or tcp://:5432"

    package init(parsing text: String) throws(Refusal) {
        guard let colon = text.firstRange(of: "://") else { throw Refusal(reason: "it has no scheme", remedy: Self.example) }
        guard let scheme = Scheme(rawValue: String(text[..<colon.lowerBound])) else {
            throw Refusal(reason: "the scheme is unknown", remedy: Self.example + "; exec:PROGRAM runs a program")
        }
        let rest = text[colon.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let path = rest[authority.endIndex...]
        (host, port) = try Self.place(String(authority), defaultPort: scheme == .http ? 80 : nil)
        self.scheme = scheme
        self.path = try Self.path(String(path), scheme)
        guard address != nil else { throw Refusal(reason: "\"\(host)\" is no address", remedy: "use an IP address, localhost, or nothing") }
    }

    private static func place(_ text: String, defaultPort: UInt16?) throws(Refusal) -> (host: String, port: UInt16) {
        guard !text.contains("@") else { throw Refusal(reason: "it holds a user", remedy: example) }
        var host = text[...]
        var port = Substring()
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<end]
            port = text[text.index(after: end)...]
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            port = text[colon...]
        }
        if host.isEmpty || host == "localhost" { host = "127.0.0.1" }
        if port.isEmpty, let defaultPort { return (String(host), defaultPort) }
        guard port.first == ":", let number = UInt16(port.dropFirst()), number > 0, port.dropFirst().first != "+" else {
            throw Refusal(reason: port.isEmpty ? "it has no port" : "the port is not 1 to 65535", remedy: example)
        }
        return (String(host), number)
    }

    private static func path(_ text: String, _ scheme: Scheme) throws(Refusal) -> String {
        guard scheme == .http else {
            guard text.isEmpty else { throw Refusal(reason: "tcp has no path", remedy: "use tcp://:5432") }
            return ""
        }
        // What goes into a request's first line: nothing that ends a word or the line.
        guard text.utf8.count <= 2048, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !text.contains("#") else {
            throw Refusal(reason: "the path is not one word of printable ASCII without #", remedy: "percent-encode it")
        }
        return text.hasPrefix("/") ? text : "/" + text
    }

    package var address: InternetAddress? { InternetAddress(host, port: port) }
}

extension ProbeTarget: CustomStringConvertible {
    package var description: String { "\(scheme.rawValue)://\(address.map { "\($0)" } ?? host)\(path)" }
}
