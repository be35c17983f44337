// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import Glibc
internal import JSON
internal import Linux
internal import OCI
package import SystemPackage

/// Docker's `config.json`: under "auths" each registry's `user:password` in base64. Everything else in it survives, in its order.
///
/// Credential helpers ("credsStore", "credHelpers") are not run: what only they know is reported as such.
package struct CredentialsFile {
    /// What the file knows of a registry.
    package enum Entry: Sendable, Hashable {
        case none
        case credentials(RegistryCredentials)
        /// They are not in the file: a helper has them, or they are of a kind that is not spoken. In words, for a message.
        case elsewhere(String)
    }

    package let path: FilePath

    package init(path: FilePath) { self.path = path }

    /// `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`.
    /// - Returns: nil where the environment names neither.
    package init?(variable: (String) -> String?) {
        if let directory = variable("DOCKER_CONFIG"), !directory.isEmpty {
            path = FilePath(directory).appending("config.json")
        } else if let home = variable("HOME"), !home.isEmpty {
            path = FilePath(home).appending(".docker/config.json")
        } else {
            return nil
        }
    }

    /// A registry as it is typed: without scheme, path and blanks; Docker Hub by whichever of its names.
    package static func registry(_ text: String) -> String {
        var rest = Substring(text)
        for scheme in ["https://", "http://"] where rest.lowercased().hasPrefix(scheme) { rest = rest.dropFirst(scheme.utf8.count) }
        let host = rest.prefix { $0 != "/" }.lowercased()
        return ["index.docker.io", "registry-1.docker.io"].contains(host) ? ImageReference.defaultRegistry : host
    }

    /// - Parameter registry: as in a reference: `docker.io`, `host:port`.
    package func entry(for registry: String) throws(UsageError) -> Entry {
        guard let document = try read() else { return .none }
        let entries = Self.keys(registry, in: document).compactMap { document["auths"]?[$0]?.objectValue }
        let holds = { (entry: JSONObject, member: String) in entry[member]?.stringValue?.isEmpty == false }
        if entries.contains(where: { holds($0, "identitytoken") }) { return .elsewhere("an identity token") }
        // What `login` has put here goes before a helper that is not run.
        guard let found = entries.first(where: { holds($0, "auth") }) else {
            let helper = document["credHelpers"]?[registry]?.stringValue ?? document["credsStore"]?.stringValue
            return helper.map { .elsewhere("credential helper \"\($0)\"") } ?? .none
        }
        guard let text = found["auth"]?.stringValue, let bytes = Base64.decode(text), let pair = String(validating: bytes, as: UTF8.self),
            let colon = pair.firstIndex(of: ":")
        else { throw UsageError("\(path): the entry of \(registry) holds no user and password", remedy: "`ctr-swift login \(registry)`") }
        // Docker's own writers of old ended the password with a NUL.
        let password = pair[pair.index(after: colon)...].prefix { $0 != "\u{0}" }
        return .credentials(RegistryCredentials(username: String(pair[..<colon]), password: String(password)))
    }

    /// Sets a registry's entry. The file is replaced as a whole, mode 0600, its owner kept; a link to it stays a link.
    /// - Returns: what other programs that read the file should know, in words.
    @discardableResult
    package func store(_ credentials: RegistryCredentials, for registry: String) throws(UsageError) -> String? {
        var root = try read()?.objectValue ?? JSONObject()
        var auths = root["auths"]?.objectValue ?? JSONObject()
        var entry = JSONObject()
        entry["auth"] = .string(Base64.encode(Array("\(credentials.username):\(credentials.password)".utf8)))
        let document = JSONValue.object(root)
        for key in Self.keys(registry, in: document).dropFirst() { auths[key] = nil }
        auths[Self.key(registry)] = .object(entry)
        root["auths"] = .object(auths)
        try replace(with: root)
        let helper = root["credHelpers"]?[registry]?.stringValue ?? root["credsStore"]?.stringValue
        return helper.map { "\"\($0)\" keeps Docker's credentials; ctr-swift runs no helpers and keeps its own in \(path)" }
    }

    /// - Returns: false where there was none.
    package func remove(_ registry: String) throws(UsageError) -> Bool {
        guard var root = try read()?.objectValue, var auths = root["auths"]?.objectValue else { return false }
        let keys = Self.keys(registry, in: .object(root)).filter { auths[$0] != nil }
        for key in keys { auths[key] = nil }
        root["auths"] = .object(auths)
        if !keys.isEmpty { try replace(with: root) }
        return !keys.isEmpty
    }

    /// What a registry is called in the file.
    private static func key(_ registry: String) -> String {
        registry == ImageReference.defaultRegistry ? "https://index.docker.io/v1/" : registry
    }

    /// The key that is written, then the others under which Docker has kept the same registry.
    private static func keys(_ registry: String, in document: JSONValue) -> [String] {
        let known = document["auths"]?.objectValue?.keys ?? []
        // Without a scheme a path belongs to the name: "quay.io/team" is not all of quay.io.
        let others = known.filter { $0 != key(registry) && ($0.contains("://") || !$0.contains("/")) && Self.registry($0) == registry }
        return [key(registry)] + others
    }

    private func read() throws(UsageError) -> JSONValue? {
        let bytes: [UInt8]
        do throws(KernelError) { bytes = try readFile(path) } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw UsageError("\(path): \(error.call): \(error.errno)")
        }
        if bytes.allSatisfy({ [0x20, 0x09, 0x0a, 0x0d].contains($0) }) { return nil }
        do throws(JSONError) {
            let document = try JSON.parse(bytes)
            guard let root = document.objectValue, root["auths"] == nil || root["auths"]?.objectValue != nil else {
                throw JSONError("not an object with an object \"auths\"", at: "")
            }
            return document
        } catch {
            throw UsageError("\(path): \(error)", remedy: "mend the file, or move it away")
        }
    }

    private func replace(with root: JSONObject) throws(UsageError) {
        let bytes: [UInt8]
        do throws(JSONError) { bytes = try JSON.encode(JSONValue.object(root), .pretty) + [UInt8(ascii: "\n")] } catch {
            throw UsageError("\(path): \(error)")
        }
        do throws(KernelError) { try Self.replace(path, with: bytes) } catch {
            throw UsageError("\(error)", remedy: "set DOCKER_CONFIG to a directory that you may write to")
        }
    }
}

extension CredentialsFile {
    /// A new file beside the old one, under a name that nobody else has, then renamed over it: never a moment with a wider mode, and
    /// a reader sees the old credentials or the new.
    private static func replace(_ path: FilePath, with bytes: [UInt8]) throws(KernelError) {
        let target = resolved(path)
        var parents: [FilePath] = []
        var parent = target.removingLastComponent()
        while !parent.isEmpty, parent != "/", access(parent.string, F_OK) != 0 {
            parents.append(parent)
            parent = parent.removingLastComponent()
        }
        for directory in parents.reversed() { try makeDirectory(directory, mode: 0o700) }
        let aside = FilePath("\(target.string).\(getpid()).\(UInt32.random(in: 0...UInt32.max))")
        do throws(KernelError) {
            let file = try openFile(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            var before = stat()
            let raw = file.raw
            // Under sudo the file is still its owner's; where it can't be given back, that is said.
            if stat(target.string, &before) == 0, before.st_uid != geteuid() || before.st_gid != getegid() {
                try kernel("fchown(2)", aside.string) { fchown(raw, before.st_uid, before.st_gid) }
            }
            try bytes.span.withUnsafeBytes { buffer throws(KernelError) in try writeAll(file, buffer, object: aside.string) }
            try syncFile(file, object: aside.string)
            try file.close(of: aside.string)
            try renameFile(aside, to: target)
        } catch {
            try? unlinkFile(aside)
            throw error
        }
    }

    /// What a chain of links leads to: people keep this file elsewhere and link to it.
    private static func resolved(_ path: FilePath) -> FilePath {
        guard let real = realpath(path.string, nil) else { return path }
        defer { free(real) }
        return FilePath(platformString: real)
    }
}
