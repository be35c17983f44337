// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import TestSupport

/// Debian's docker-registry on a free port of 127.0.0.1, on a temporary directory.
package final class DebianRegistry {
    package let host: String
    private let directory: URL
    private let process: ChildProcess

    package struct Failed: Error {
        package var what: String
    }

    /// Serves for as long as the body runs.
    /// - Parameter passwords: lines of an htpasswd file; it asks for a password then.
    package static func serve<Value>(
        passwords: String? = nil, isolation: isolated (any Actor)? = #isolation, _ body: (DebianRegistry) async throws -> Value
    ) async throws -> Value {
        let registry = try DebianRegistry(passwords)
        defer { registry.stop() }
        for _ in 0..<3000 {
            if try Self.run("/usr/bin/curl", ["-s", "-o", "/dev/null", "http://\(registry.host)/v2/"]) == 0 {
                return try await body(registry)
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Failed(what: "docker-registry did not start")
    }

    private init(_ passwords: String?) throws {
        directory = URL(filePath: "/tmp/ctr-swift-registry-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        host = "127.0.0.1:\(try Self.freePort())"
        var configuration = """
            version: 0.1
            log: { level: error, accesslog: { disabled: true } }
            storage: { filesystem: { rootdirectory: \(directory.path)/data }, delete: { enabled: true } }
            http: { addr: \(host) }

            """
        if let passwords {
            try Data(passwords.utf8).write(to: directory.appending(path: "htpasswd"))
            configuration += "auth: { htpasswd: { realm: test, path: \(directory.path)/htpasswd } }\n"
        }
        try Data(configuration.utf8).write(to: directory.appending(path: "config.yml"))
        process = try ChildProcess(["docker-registry", "serve", directory.appending(path: "config.yml").path])
    }

    private func stop() {
        process.signal(SIGTERM)
        _ = try? process.finish()
        try? FileManager.default.removeItem(at: directory)
    }

    /// Puts an image into it. - Parameter credentials: `user:password`.
    package func push(_ image: MadeImage, _ name: String, credentials: String? = nil) throws {
        let layout = directory.appending(path: "layout-\(UInt64.random(in: 0 ... .max))").path
        try image.writeLayout(layout)
        let words =
            ["copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false"] + (credentials.map { ["--dest-creds", $0] } ?? [])
            + ["oci:\(layout)", "docker://\(host)/\(name)"]
        guard try Self.run("/usr/bin/skopeo", words) == 0 else { throw Failed(what: "skopeo \(words)") }
    }

    private static func run(_ program: String, _ arguments: [String]) throws -> Int32 {
        try command([program] + arguments).code
    }

    /// One that nobody has at the moment.
    private static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && getsockname(descriptor, address, &length) == 0
            }
        }
        guard bound else { throw Failed(what: "no free port") }
        return UInt16(bigEndian: address.sin_port)
    }
}
