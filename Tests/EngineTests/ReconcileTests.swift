// SPDX-License-Identifier: Apache-2.0

import APITypes
import Engine
import Glibc
import Linux
import RegistryFixtures
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .serialized) struct ReconcileTests {
    private let image = MadeImage(layers: [MadeTar.layer("a", "1"), MadeTar.layer("b", "2")])
    private let stranger = String(repeating: "ab", count: 16)

    private func cgroups(_ node: TestNode) throws -> [FilePath] {
        try CgroupLayout.detect().hierarchies.map {
            FilePath($0.mountPoint).appending(node.runtime.configuration.cgroupParent).appending(stranger)
        }
    }

    private func differences(_ node: TestNode) async throws -> [String] {
        let found = try await node.runtime.reconcile()
        return found.orphans + found.missing
    }

    @Test("directories, blobs, state and cgroups that nothing knows go; what is known stays")
    func orphans() async throws {
        try await TestNode.with { node in
            let container = try await node.create(try await node.pull(image, "app"))
            #expect(try await differences(node) == [])
            let state = FilePath(node.runtime.configuration.state)
            let made =
                ["layers/zz", "containers/\(stranger)", "ingest/zy"].map { node.root.pushing(FilePath($0)) }
                + [state.appending("containers").appending(stranger)]
            for path in made { try makeDirectory(path, mode: 0o700) }
            let blob = node.root.pushing(FilePath("content/blobs/sha256/\(stranger)\(stranger)"))
            try replaceFile(blob, with: [1, 2, 3])
            let groups = try cgroups(node)
            for group in groups {
                try makeDirectory(group.removingLastComponent(), mode: 0o755)
                try makeDirectory(group, mode: 0o755)
            }
            let found = try await node.runtime.reconcile()
            // Each cgroup is one of the state directory, which goes with it, or told by itself.
            #expect(Set(found.orphans).isSuperset(of: (made + [blob]).map(\.string)))
            #expect(found.missing == [])
            for path in made + [blob] + groups { #expect(access(path.string, F_OK) != 0, "\(path)") }
            #expect(try node.names("containers") == [container])
            #expect(try node.names("layers").count == 2)
            #expect(try await differences(node) == [])
            for group in groups { rmdir(group.removingLastComponent().string) }
        }
    }

    @Test("a cgroup in which processes are, and which no container has, is told and left: it may be another daemon's")
    func strangers() async throws {
        try await TestNode.with { node in
            let sleeper = try ChildProcess(["sleep", "1000"])
            let groups = try cgroups(node).filter { !$0.string.contains("cpuset") }
            for group in groups {
                try makeDirectory(group.removingLastComponent(), mode: 0o755)
                try makeDirectory(group, mode: 0o755)
                try writeFile(group.appending("cgroup.procs"), "\(sleeper.pid)")
            }
            #expect(try await differences(node) == [])
            #expect(sleeper.isRunning)
            #expect(node.lines.all.contains { $0.contains("a cgroup with processes belongs to no container") })
            sleeper.signal(SIGKILL)
            _ = try sleeper.finish()
            #expect(try await node.runtime.reconcile().orphans.count == groups.count)
            for group in groups { rmdir(group.removingLastComponent().string) }
        }
    }

    @Test("a layer, a blob and a container's directory that are missing are told, and stay recorded")
    func missing() async throws {
        try await TestNode.with { node in
            let container = try await node.create(try await node.pull(image, "app"))
            let layer = "layers/" + (try #require(try node.names("layers").first))
            let blob = "content/blobs/sha256/" + (try #require(try node.names("content/blobs/sha256").first))
            let lost = [layer, blob, "containers/\(container)"].map { node.root.pushing(FilePath($0)) }
            for path in lost { try command(["rm", "-rf", path.string]) }
            for _ in 0..<2 { #expect(Set(try await node.runtime.reconcile().missing) == Set(lost.map(\.string))) }
            #expect(node.lines.all.filter { $0.contains("recorded, and not there") }.count == 6)
            #expect(node.runtime.containers(all: true).map(\.id) == [container])
            try await node.pull(image, "app")
            #expect(try await node.runtime.reconcile().missing == [lost[2].string])
        }
    }
}
