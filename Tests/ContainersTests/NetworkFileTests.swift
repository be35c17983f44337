// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Linux
import SystemPackage
import Testing

@Suite struct NetworkFileTests {
    @Test("without a network: the own name at loopback, and nobody to ask")
    func none() throws {
        let layers = try TestLayers()
        try NetworkFiles.write(into: layers.store, hostname: "box.example", network: .none)
        #expect(
            try Files.read(layers.store.appending("hosts"))
                == "127.0.0.1\tlocalhost box.example\n::1\tlocalhost ip6-localhost ip6-loopback\n")
        #expect(try Files.read(layers.store.appending("hostname")) == "box.example\n")
        #expect(try Files.read(layers.store.appending("resolv.conf")) == "")
        #expect(Set(NetworkFiles.names) == ["hosts", "hostname", "resolv.conf"])
    }

    @Test("with the host's network: the host's own files, and the container's name")
    func host() throws {
        let layers = try TestLayers()
        try NetworkFiles.write(into: layers.store, hostname: "box", network: .host)
        if Files.exists("/etc/hosts") { #expect(try Files.read(layers.store.appending("hosts")) == Files.read("/etc/hosts")) }
        #expect(try Files.read(layers.store.appending("resolv.conf")) == ((try? Files.read("/etc/resolv.conf")) ?? ""))
        #expect(try Files.read(layers.store.appending("hostname")) == "box\n")
    }

    @Test("everyone in the container may read them, and nothing that is there is written over")
    func modes() throws {
        let layers = try TestLayers()
        try NetworkFiles.write(into: layers.store, hostname: "box", network: .none)
        for name in NetworkFiles.names { #expect(Files.mode(layers.store.pushing(FilePath(name))) & 0o444 == 0o444) }
        #expect(throws: KernelError.self) { try NetworkFiles.write(into: layers.store, hostname: "other", network: .none) }
        #expect(try Files.read(layers.store.appending("hostname")) == "box\n")
    }
}

@Suite(.asRoot, .busybox, .shim, .serialized) struct HostNetworkFileTests {
    @Test("with the host's network each start has the resolvers and hosts of that moment") func renewed() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "cat /etc/resolv.conf; echo =; cat /etc/hosts; echo =; cat /etc/hostname") {
                $0.network = .host
            }
            // As they were before the node has moved to another network.
            for name in NetworkFiles.names {
                try replaceFile(container.paths.networkFiles.appending(name), with: Array("old\n".utf8), mode: 0o644)
            }
            let own = try ["/etc/resolv.conf", "/etc/hosts"].map { Files.exists(FilePath($0)) ? try Files.read(FilePath($0)) : "old\n" }
            let shown = try await node.output(container).joined(separator: "\n") + "\n"
            #expect(shown == own[0] + "=\n" + own[1] + "=\nold\n")
        }
    }
}
