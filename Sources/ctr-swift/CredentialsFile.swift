// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Glibc
internal import JSON
internal import Linux
internal import OCI
internal import SystemPackage

/// `~/.docker/config.json` (or `$DOCKER_CONFIG/config.json`): "auths", base64 of `user:password`. Other members survive.
struct CredentialsFile {
    private let path: FilePath?

    init() {
        if let directory = getenv("DOCKER_CONFIG") {
            path = FilePath(String(cString: directory)).appending("config.json")
        } else {
            path = getenv("HOME").map { FilePath(String(cString: $0)).appending(".docker/config.json") }
        }
    }

    /// What Docker's own registry is called there.
    private static func key(_ registry: String) -> String {
        registry == ImageReference.defaultRegistry ? "https://index.docker.io/v1/" : registry
    }

    /// nil where the file or the registry is not there.
    func credentials(for registry: String) throws -> RegistryCredentials? {
        guard let document = try read() else { return nil }
        if document["auths"]?[Self.key(registry)] == nil, document["credHelpers"]?[registry] != nil || document["credsStore"] != nil {
            throw Refusal(
                message: "credential helpers are not run",
                remedy: "use `ctr-swift login \(registry)`, which keeps credentials in the file itself")
        }
        guard let text = document["auths"]?[Self.key(registry)]?["auth"]?.stringValue, let bytes = base64Decoded(text) else { return nil }
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: ":", maxSplits: 1).map(String.init)
        return parts.count == 2 ? RegistryCredentials(username: parts[0], password: parts[1]) : nil
    }

    func store(_ credentials: RegistryCredentials, for registry: String) throws {
        guard let path else { throw Refusal(message: "HOME is not set", remedy: "set HOME or DOCKER_CONFIG") }
        var document = try read() ?? .object(JSONObject())
        guard case .object(var root) = document else { throw Refusal(message: "\(path) is not a JSON object", remedy: nil) }
        var auths = root["auths"]?.objectValue ?? JSONObject()
        var entry = JSONObject()
        entry["auth"] = .string(base64("\(credentials.username):\(credentials.password)"))
        auths[Self.key(registry)] = .object(entry)
        root["auths"] = .object(auths)
        document = .object(root)
        try makeDirectory(path.removingLastComponent(), mode: 0o700)
        try replaceFile(path, with: try JSON.encode(document, .pretty), mode: 0o600)
    }

    private func read() throws -> JSONValue? {
        guard let path else { return nil }
        let bytes: [UInt8]
        do throws(KernelError) { bytes = try readFile(path) } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw Refusal(message: "read \(path): \(error)", remedy: nil)
        }
        do throws(JSONError) { return try JSON.parse(bytes) } catch {
            throw Refusal(message: "\(path): \(error)", remedy: "mend the file, or move it away")
        }
    }

    private func base64(_ text: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let bytes = Array(text.utf8)
        var result = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.enumerated().reduce(UInt32(0)) { $0 | UInt32($1.element) << UInt32(16 - 8 * $1.offset) }
            for index in 0..<4 { result.append(index <= group.count ? alphabet[Int(bits >> UInt32(18 - 6 * index) & 63)] : "=") }
        }
        return result
    }
}
