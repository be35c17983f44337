// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import RegistryFixtures
import TestSupport

/// The images of the crash tests, and what a container of each must see. The expectation comes from what they are made of, not from the
/// code under test.
enum CrashImage: String, CaseIterable {
    /// One layer.
    case old
    /// Two more, with a whiteout, an opaque directory, a directory that only lies below, and a hard link into a lower layer: there is
    /// a fix-up to be built.
    case new

    var made: MadeImage {
        switch self {
        case .old: MadeImage(layers: [Self.base])
        case .new: MadeImage(layers: [Self.base, Self.data, Self.above])
        }
    }

    static func of(id: String) -> CrashImage? { allCases.first { $0.id == id } }
    var id: String { digest(of: made.config).description }

    private static let files = (0..<120).map { number in
        ("data/\(number)", Array(String(repeating: "file \(number)\n", count: number * 17 % 1500).utf8))
    }

    private static let base: [UInt8] = {
        var tar = MadeTar()
        for directory in ["bin", "base", "opaque"] { tar.add("\(directory)/", kind: .directory, mode: 0o755) }
        tar.add("secret/", kind: .directory, mode: 0o700)
        tar.add("bin/busybox", FileManager.default.contents(atPath: "/bin/busybox").map { Array($0) } ?? [], mode: 0o755)
        tar.add("base/gone", Array("gone".utf8))
        tar.add("base/kept", Array("kept".utf8))
        tar.add("opaque/old", Array("old".utf8))
        tar.add("secret/a", Array("a".utf8), mode: 0o600)
        return tar.bytes
    }()

    private static let data: [UInt8] = {
        var tar = MadeTar()
        tar.add("base/", kind: .directory, mode: 0o755)
        tar.add("base/.wh.gone")
        tar.add("data/", kind: .directory, mode: 0o755)
        for (name, content) in files { tar.add(name, content) }
        tar.add("data/hard", kind: .hardLink, link: "data/7")
        tar.add("data/soft", kind: .symlink, link: "8")
        tar.add("opaque/", kind: .directory, mode: 0o755)
        tar.add("opaque/.wh..wh..opq")
        tar.add("opaque/new", Array("new".utf8))
        return tar.bytes
    }()

    private static let above: [UInt8] = {
        var tar = MadeTar()
        tar.add("secret/b", Array("b".utf8), mode: 0o600)
        tar.add("lower", kind: .hardLink, link: "base/kept")
        return tar.bytes
    }()

    // MARK: - What a container sees

    /// For `busybox sh`.
    var listingCommand: String {
        let places = self == .old ? "base opaque secret" : "base data lower opaque secret"
        return """
            cd / && /bin/busybox find \(places) ! -type l -exec /bin/busybox stat -c '%n %F %a %u' {} + \
            && /bin/busybox find \(places) ! -type d -exec /bin/busybox sha256sum {} +
            """
    }

    /// What it prints, in some order.
    var listing: Set<String> {
        var lines: Set<String> = []
        func directory(_ name: String, _ mode: String = "755") { lines.insert("\(name) directory \(mode) 0") }
        func sum(_ name: String, _ content: [UInt8]) { lines.insert("\(digest(of: content).hex)  \(name)") }
        func file(_ name: String, _ content: [UInt8], _ mode: String = "644") {
            lines.insert("\(name) \(content.isEmpty ? "regular empty file" : "regular file") \(mode) 0")
            sum(name, content)
        }
        func file(_ name: String, _ text: String, _ mode: String = "644") { file(name, Array(text.utf8), mode) }
        directory("base")
        directory("opaque")
        directory("secret", "700")
        file("base/kept", "kept")
        file("secret/a", "a", "600")
        switch self {
        case .old:
            file("base/gone", "gone")
            file("opaque/old", "old")
        case .new:
            directory("data")
            for (name, content) in Self.files { file(name, content) }
            file("data/hard", Self.files[7].1)
            sum("data/soft", Self.files[8].1)
            file("opaque/new", "new")
            file("secret/b", "b", "600")
            file("lower", "kept")
        }
        return lines
    }
}
