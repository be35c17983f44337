// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import TestSupport

/// Debian's docker-registry on a free port of 127.0.0.1, on a temporary directory.
final class Registry {
    let host: String
    let directory: URL
    private let process: ChildProcess
    /// The fixtures that have been pushed; nil: none are.
    private let fixtures: Mutex<Set<String>?>

    /// Shared by the tests that only read from it.
    nonisolated(unsafe) private static var shared: Result<Registry, any Error>?
    private static let lock = NSLock()

    /// One registry for the whole run, in which a fixture is from the first moment that somebody asks for it; ends with the process.
    static func withFixtures() throws -> Registry {
        lock.lock()
        defer { lock.unlock() }
        if shared == nil {
            shared = Result {
                let registry = try Registry(withFixtures: true)
                atexit { try? Registry.shared?.get().stop() }
                return registry
            }
        }
        guard let shared else { throw Failure("no registry") }
        return try shared.get()
    }

    init(withFixtures: Bool = false) throws {
        fixtures = Mutex(withFixtures ? [] : nil)
        directory = URL(filePath: "/tmp/ctr-swift-registry-\(UInt32.random(in: 0...UInt32.max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let port = try command([
            "python3", "-c", "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])",
        ]).output
        host = "127.0.0.1:" + port.trimmingCharacters(in: .whitespacesAndNewlines)
        let configuration = directory.appending(path: "config.yml")
        try """
        version: 0.1
        log: { level: error, accesslog: { disabled: true } }
        storage: { filesystem: { rootdirectory: \(directory.path)/data }, delete: { enabled: true } }
        http: { addr: \(host) }
        """.write(to: configuration, atomically: true, encoding: .utf8)
        process = try ChildProcess(["docker-registry", "serve", configuration.path])
        for _ in 0..<3000 where process.isRunning {
            if try command(["curl", "-fs", "http://\(host)/v2/"]).code == 0 { return }
            usleep(20_000)
        }
        throw Failure("docker-registry did not start: \(process.errors)")
    }

    func push(layout: String, _ name: String) throws {
        let outcome = try command([
            "skopeo", "copy", "--quiet", "--all", "--dest-tls-verify=false", "oci:\(layout)", "docker://\(host)/\(name)",
        ])
        guard outcome.code == 0 else { throw Failure("skopeo: \(outcome.errors)") }
    }

    /// `host/name@sha256:…` of what the tag points at now.
    func byDigest(_ name: String, tag: String = "1") throws -> String {
        try fixtures.withLock { pushed in
            guard pushed?.contains(name) == false, name.hasPrefix("test/"), tag == "1" else { return }
            try push(layout: "\(Node.fixtures)/\(name.dropFirst(5))", "\(name):1")
            pushed?.insert(name)
        }
        let raw = try command(["skopeo", "inspect", "--raw", "--tls-verify=false", "docker://\(host)/\(name):\(tag)"])
        let digest = try command(["sha256sum"], input: Array(raw.output.utf8)).output.prefix(64)
        return "\(host)/\(name)@sha256:\(digest)"
    }

    /// Where the registry keeps a blob's bytes.
    func blobFile(_ hex: String) -> String { "\(directory.path)/data/docker/registry/v2/blobs/sha256/\(hex.prefix(2))/\(hex)/data" }

    func stop() {
        process.signal(SIGTERM)
        _ = try? process.finish()
        try? FileManager.default.removeItem(at: directory)
    }
}
