// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// A registry with images that are too much, which holds them up where a test wants it: `Tests/Payload/held-registry`.
final class HeldRegistry {
    let directory: URL
    let host: String
    private let process: ChildProcess

    private static let program = FileManager.default.currentDirectoryPath + "/Tests/Payload/held-registry"

    private init(_ images: [String]) throws {
        directory = URL(filePath: "/tmp/ctr-swift-held-\(UInt32.random(in: 0...UInt32.max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let made = try ChildProcess([Self.program, "make", images[0], directory.path] + images[1...]).finish(seconds: 300)
        guard made.code == 0 else { throw Failure("held-registry: \(made.errors)") }
        process = try ChildProcess([Self.program, "serve", directory.path])
        try process.wait { $0.hasSuffix("\n") }
        host = "127.0.0.1:" + process.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Serves for as long as the body runs.
    /// - Parameter images: what to make, with its numbers.
    static func with<Value>(_ images: String..., body: (HeldRegistry) throws -> Value) throws -> Value {
        let registry = try HeldRegistry(images)
        defer {
            registry.process.signal(SIGKILL)
            _ = try? registry.process.finish()
            try? FileManager.default.removeItem(at: registry.directory)
        }
        return try body(registry)
    }

    /// From now on large blobs stop after a part, until `release`.
    func hold() throws { try Data().write(to: directory.appending(path: "hold")) }

    func release() throws { try FileManager.default.removeItem(at: directory.appending(path: "hold")) }

    /// What comes behind a hold comes slowly.
    func drip() throws { try Data().write(to: directory.appending(path: "drip")) }

    /// How often each large blob was asked for.
    var layerRequests: [String: Int] {
        let log = (try? String(contentsOf: directory.appending(path: "requests"), encoding: .utf8)) ?? ""
        let names = log.split(separator: "\n").compactMap { $0.contains("/blobs/") ? $0.split(separator: ":").last.map(String.init) : nil }
        return Dictionary(names.filter { isLayer($0) }.map { ($0, 1) }, uniquingKeysWith: +)
    }

    private func isLayer(_ name: String) -> Bool {
        let attributes = try? FileManager.default.attributesOfItem(atPath: directory.path + "/blobs/" + name)
        return (attributes?[.size] as? Int ?? 0) > 16 << 10
    }
}

/// Variants that take minutes and gigabytes.
let isHeavy = ProcessInfo.processInfo.environment["CTR_SWIFT_HEAVY_TESTS"] != nil
