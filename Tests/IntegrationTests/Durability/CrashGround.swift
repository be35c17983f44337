// SPDX-License-Identifier: Apache-2.0

import Foundation
import RegistryFixtures
import TestSupport
import Testing

/// What a root holds before the crash.
enum Ground: String, CaseIterable {
    /// There is no root yet.
    case nothing
    case old
    case both
    /// `old`, and what crashes could have left.
    case littered
    /// `old`, and a container of it.
    case container
    /// `both`, with the database as the first version of this project had it.
    case aged
}

/// Roots and a registry that the crash tests share: made once, and only copied from.
final class CrashGrounds {
    /// Blobs are kept, so that there are more steps to die at.
    static let configuration = "keep-blobs = true\nreserve-bytes = 0\nreserve-inodes = 0\n"

    private let directory: URL
    private let registry: Registry
    /// Of every layer and fix-up, by key: what its directory holds.
    let layers: [String: TreeListing]
    /// The archive of `new`, compressed.
    var archive: String { directory.path + "/new.tar.gz" }

    nonisolated(unsafe) private static var shared: Result<CrashGrounds, any Error>?
    private static let lock = NSLock()

    /// The one of this run.
    static func made() throws -> CrashGrounds {
        try lock.withLock {
            if shared == nil {
                shared = Result { try CrashGrounds() }
                atexit { (try? CrashGrounds.shared?.get())?.remove() }
            }
            guard let shared else { throw Failure("no grounds") }
            return try shared.get()
        }
    }

    func reference(_ image: CrashImage) -> String { "\(registry.host)/crash/\(image.rawValue):1" }
    /// `old` and a layer: one of 24 MiB ("large"), of 3,000 files ("many").
    func reference(_ name: String) -> String { "\(registry.host)/crash/\(name):1" }
    /// The same, but a byte of its second layer is not what it should be.
    var brokenReference: String { "\(registry.host)/crash/broken:1" }

    /// Puts a copy of a root to a path.
    func copy(_ ground: Ground, to root: String) throws {
        if ground != .nothing { try Self.good("cp", "-a", "\(directory.path)/\(ground.rawValue)", root) }
    }

    private init() throws {
        directory = URL(filePath: "/var/tmp/ctr-swift-crash-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        registry = try Registry()
        let (directory, registry) = (directory, registry)
        for image in CrashImage.allCases {
            let layout = "\(directory.path)/layout-\(image.rawValue)"
            try image.made.writeLayout(layout, name: "docker.io/crash/loaded:1")
            try registry.push(layout: layout, "crash/\(image.rawValue):1")
        }
        try Self.pushBroken(to: registry, directory)
        try Self.push(to: registry, directory, "large") { tar in
            for number in 0..<3 { tar.add("large/\(number)", [UInt8](repeating: UInt8(ascii: "x"), count: 8 << 20)) }
        }
        try Self.push(to: registry, directory, "many") { tar in for number in 0..<3000 { tar.add("many/\(number)") } }
        try Self.good("tar", "-C", "\(directory.path)/layout-new", "-czf", "\(directory.path)/new.tar.gz", ".")

        var layers: [String: TreeListing] = [:]
        for (ground, images) in [(Ground.old, [CrashImage.old]), (.both, [.old, .new])] {
            let node = try Node(configuration: Self.configuration, root: "\(directory.path)/\(ground.rawValue)")
            for image in images { try node.good("pull", "\(registry.host)/crash/\(image.rawValue):1") }
            layers = try node.layerDirectories().mapValues(TreeListing.init(of:))
            try node.leave()
        }
        self.layers = layers
        try litter()
        try Self.good("cp", "-a", "\(directory.path)/both", "\(directory.path)/aged")
        try SchemaOne.rebuild(directory.path + "/aged")
        try Self.good("cp", "-a", "\(directory.path)/old", "\(directory.path)/container")
        let node = try Node(configuration: Self.configuration, root: "\(directory.path)/container")
        try node.good("create", "--name", "there", reference(.old), "/bin/busybox", "true")
        try node.stopDaemon()
        // Its bundle names the root's old place: it is removed, never started.
        try FileManager.default.removeItem(at: node.directory)
    }

    private func litter() throws {
        let root = directory.path + "/littered"
        try Self.good("cp", "-a", "\(directory.path)/old", root)
        for place in ["layers/zz", "layers/not base 36", "ingest/7/fs", "containers/other/upper"] {
            try FileManager.default.createDirectory(atPath: "\(root)/\(place)", withIntermediateDirectories: true)
            try Data("left".utf8).write(to: URL(filePath: "\(root)/\(place)/file"))
        }
        try Data("left".utf8).write(to: URL(filePath: "\(root)/ingest/blob-1-1"))
        for number in 0..<3 {
            try Data("left".utf8).write(to: URL(filePath: "\(root)/content/blobs/sha256/" + String(repeating: "\(number)", count: 64)))
        }
    }

    private static func push(to registry: Registry, _ directory: URL, _ name: String, _ fill: (inout MadeTar) -> Void) throws {
        var tar = MadeTar()
        fill(&tar)
        let layout = "\(directory.path)/layout-\(name)"
        try MadeImage(layers: CrashImage.old.made.layers + [tar.bytes]).writeLayout(layout)
        try registry.push(layout: layout, "crash/\(name):1")
        try FileManager.default.removeItem(atPath: layout)
    }

    private static func pushBroken(to registry: Registry, _ directory: URL) throws {
        try push(to: registry, directory, "broken") { tar in
            for number in 0..<50 { tar.add("broken/\(number)", Array("broken \(number)".utf8)) }
        }
        let raw = try command(["skopeo", "inspect", "--raw", "--tls-verify=false", "docker://\(registry.host)/crash/broken:1"]).output
        guard let manifest = try JSONSerialization.jsonObject(with: Data(raw.utf8)) as? [String: Any],
            let layer = (manifest["layers"] as? [[String: Any]])?.last?["digest"] as? String
        else { throw Failure("no manifest: \(raw)") }
        let file = URL(filePath: registry.blobFile(String(layer.dropFirst(7))))
        var bytes = try Data(contentsOf: file)
        bytes[bytes.count - 3] ^= 1
        try bytes.write(to: file)
    }

    private func remove() {
        registry.stop()
        try? FileManager.default.removeItem(at: directory)
    }

    static func good(_ arguments: String...) throws {
        let outcome = try command(arguments)
        if outcome.code != 0 { throw Failure("\(arguments): \(outcome)") }
    }
}

extension Node {
    /// Every image: its ID, and its names.
    func imageNames() throws -> [(id: String, names: [String])] {
        let rows = try json("images") as? [[String: Any]] ?? []
        return rows.map { ($0["id"] as? String ?? "", $0["references"] as? [String] ?? []) }
    }

    /// Of every layer and fix-up, by key.
    func layerDirectories() throws -> [String: String] {
        let rows = try json("snapshot", "ls") as? [[String: Any]] ?? []
        var directories: [String: String] = [:]
        for row in rows where row["kind"] as? String != "upper" {
            if let key = row["key"] as? String, let path = row["path"] as? String { directories[key] = path }
        }
        return directories
    }
}
