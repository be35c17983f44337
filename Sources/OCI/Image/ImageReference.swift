// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Why a text is no reference; the text itself is bounded and escaped.
public struct ReferenceError: Error, Sendable, Hashable, CustomStringConvertible {
    public let text: String
    public let reason: String
    public var description: String { "\"\(printable(text))\" is not an image reference: \(reason)" }
}

/// `[host[:port]/]path[:tag][@digest]`, with Docker's defaults: registry docker.io, `library/` for one-word names there.
///
/// Source: distribution/reference grammar; distribution-spec, "Pulling manifests" for names and tags.
public struct ImageReference: Hashable, Sendable, Codable, CustomStringConvertible {
    /// `docker.io`, `localhost:5000`, `[::1]:5000`.
    public let registry: String
    /// `library/busybox`
    public let repository: String
    public let tag: String?
    public let digest: Digest?

    public static let defaultRegistry = "docker.io"

    public init(registry: String, repository: String, tag: String?, digest: Digest?) {
        self.registry = registry
        self.repository = repository
        self.tag = tag
        self.digest = digest
    }

    public init(parsing text: String) throws(ReferenceError) {
        func refuse(_ reason: String) -> ReferenceError { ReferenceError(text: text, reason: reason) }
        guard !text.isEmpty else { throw refuse("it is empty") }
        guard text.utf8.count <= 1024 else { throw refuse("it is longer than 1024 bytes") }
        guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw refuse("it has spaces, control bytes or letters outside ASCII")
        }

        var rest = text[...]
        var digest: Digest?
        if let at = rest.firstIndex(of: "@") {
            guard let parsed = Digest(String(rest[rest.index(after: at)...])) else {
                throw refuse("a digest is sha256: and 64 hexadecimal digits; short ones are not accepted")
            }
            digest = parsed
            rest = rest[..<at]
        }
        var tag: String?
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/"), !rest[colon...].contains("]") {
            tag = String(rest[rest.index(after: colon)...])
            guard Self.isTag(tag ?? "") else { throw refuse("a tag is [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}") }
            rest = rest[..<colon]
        }
        let (registry, path) = Self.split(rest)
        if let registry, !Self.isHost(registry) { throw refuse("\"\(registry)\" is not a host name with an optional port") }
        guard Self.isPath(path) else {
            throw refuse("a name is lower-case letters, digits, and single . _ - between them, in parts divided by /")
        }
        if registry == nil, tag == nil, digest == nil, Self.isImageID(path) {
            throw refuse("64 hexadecimal digits are an image ID, not a name")
        }
        let host = registry.map { $0 == "index.docker.io" ? Self.defaultRegistry : $0 } ?? Self.defaultRegistry
        let repository = host == Self.defaultRegistry && !path.contains("/") ? "library/\(path)" : String(path)
        guard host.utf8.count + 1 + repository.utf8.count <= 255 else { throw refuse("its name is longer than 255 bytes") }
        self.registry = host
        self.repository = repository
        self.tag = tag
        self.digest = digest
    }

    /// With the tag `latest` where there is neither tag nor digest.
    public var taggedOrLatest: ImageReference {
        tag == nil && digest == nil ? ImageReference(registry: registry, repository: repository, tag: "latest", digest: nil) : self
    }

    /// The name alone: `docker.io/library/busybox`.
    public var name: String { "\(registry)/\(repository)" }

    /// Everything written out: `docker.io/library/busybox:1@sha256:…`.
    public var canonical: String { name + suffix }

    /// As people write it: without docker.io and library/.
    public var familiar: String { familiarName + suffix }

    /// It parses to the same name: `docker.io/quay.io/x` stays whole, because `quay.io/x` is another image.
    public var familiarName: String {
        guard registry == Self.defaultRegistry else { return name }
        let short =
            repository.hasPrefix("library/") && !repository.dropFirst(8).contains("/") ? String(repository.dropFirst(8)) : repository
        return Self.split(short[...]).registry == nil && !Self.isImageID(short[...]) ? short : name
    }

    public var description: String { familiar }

    private var suffix: String { (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "") }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        do throws(ReferenceError) { try self.init(parsing: text) } catch {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "\(error)"))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        try value.encode(canonical)
    }

    /// The first part is a host where it has a dot or a colon, is `localhost`, or has upper-case letters.
    private static func split(_ text: Substring) -> (registry: String?, path: Substring) {
        guard let slash = text.firstIndex(of: "/") else { return (nil, text) }
        let first = text[..<slash]
        let isHost = first == "localhost" || first.contains(".") || first.contains(":") || first.lowercased() != first
        return isHost ? (String(first), text[text.index(after: slash)...]) : (nil, text)
    }

    private static func isImageID(_ text: Substring) -> Bool { text.utf8.count == 64 && text.utf8.allSatisfy(isHexDigit) }

    private static func isHost(_ text: String) -> Bool {
        var host = text[...]
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]"), isIPv6(host[host.index(after: host.startIndex)..<end]) else { return false }
            host = host[host.index(after: end)...]
            return host.isEmpty || isPort(host)
        }
        if let colon = host.firstIndex(of: ":") {
            guard isPort(host[colon...]) else { return false }
            host = host[..<colon]
        }
        return host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    /// The grammar has no dots in addresses, and so no IPv4 in IPv6.
    private static func isIPv6(_ text: Substring) -> Bool {
        guard !text.contains(".") else { return false }
        var address = in6_addr()
        return inet_pton(AF_INET6, String(text), &address) == 1
    }

    private static func isPort(_ text: Substring) -> Bool {
        let digits = text.dropFirst()
        guard text.first == ":", (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return false
        }
        return UInt16(digits) != nil
    }

    private static func isTag(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 128, isAlphanumeric(first) || first == UInt8(ascii: "_") else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || [UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-")].contains($0) }
    }

    /// path-component := [a-z0-9]+ ( ( "." | "_" | "__" | "-"+ ) [a-z0-9]+ )*
    private static func isPath(_ path: Substring) -> Bool {
        !path.isEmpty && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { isComponent(Array($0.utf8)) }
    }

    private static func isComponent(_ bytes: [UInt8]) -> Bool {
        func isWord(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) }
        guard let first = bytes.first, let last = bytes.last, isWord(first), isWord(last) else { return false }
        var separator: [UInt8] = []
        for byte in bytes {
            if isWord(byte) {
                separator = []
                continue
            }
            separator.append(byte)
            let isDashes = separator.allSatisfy { $0 == UInt8(ascii: "-") }
            guard
                isDashes || separator == [UInt8(ascii: ".")] || separator == [UInt8(ascii: "_")]
                    || separator == [UInt8(ascii: "_"), UInt8(ascii: "_")]
            else { return false }
        }
        return true
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte)
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) }
}
