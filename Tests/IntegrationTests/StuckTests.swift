// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// A container that no signal ends: a process of it waits in the kernel for a filesystem that does not answer.
@Suite(.asRoot, .busybox) struct StuckTests {
    @Test("a container that is stuck in a frozen FUSE mount keeps nobody else waiting, and ends when the mount lets it go")
    func frozenMount() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            let mount = try FrozenMount(at: node.directory.path + "/frozen")
            defer { mount.release() }
            try node.good(
                "run", "-d", "--name", "stuck", "-v", "\(mount.path):/data", image, "sh", "-c",
                "trap 'cat /data/x' USR1; echo ready; while :; do sleep 0.01; done")
            try node.good("run", "-d", "--name", "free", image, "sleep", "1000")
            try node.wait(forLog: "ready", of: "stuck")
            mount.freeze()
            try node.good("kill", "-s", "USR1", "stuck")
            for _ in 0..<1000 where mount.waiting == 0 { usleep(10_000) }
            #expect(mount.waiting > 0, "it waits for the mount")

            // More than there are threads for calls that block.
            let stops = try (0..<20).map { _ in try node.started("stop", "-t", "0", "stuck") }
            let starts = try (0..<20).map {
                try node.started("run", "-d", "--name", "late\($0)", "-w", "/data/x", "-v", "\(mount.path):/data", image, "true")
            }
            let removal = try node.started("rm", "-f", "stuck")
            let entries = try (0..<10).map { _ in try node.started("exec", "-w", "/data/x", "stuck", "true") }
            for _ in 0..<5 {
                #expect(try node.good("ps", "--format", "{{.name}}").contains("free\n"))
                #expect(try node.good("inspect", "--format", "{{.summary.state}}", "stuck") != "")
                try node.good("stats", "--no-stream")
                try node.good("top", "free")
                try node.good("exec", "free", "true")
                try node.good("run", "--rm", image, "true")
                try node.good("info")
            }
            #expect(stops.allSatisfy(\.isRunning) && removal.isRunning && starts.allSatisfy(\.isRunning), "meanwhile it was stuck")
            try node.good("rm", "-f", "late0")
            mount.release()
            #expect(try removal.finish().code == 0)
            for client in stops + entries + starts { _ = try client.finish() }
            #expect(try node.ctr("inspect", "late0").code == 1 && node.ctr("inspect", "stuck").code == 1)
            // What a process that could not be ended kept is swept by the next start of the daemon, and hourly.
            try node.stopDaemon()
            try node.start()
            #expect(try node.good("ps", "--format", "{{.name}}") == "free\n")
        }
    }

    @Test("requests that name a path of a filesystem that does not answer keep nobody else waiting", arguments: ["create", "update"])
    func frozenPath(verb: String) throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            let mount = try FrozenMount(at: node.directory.path + "/frozen")
            defer { mount.release() }
            try node.good("run", "-d", "--name", "free", image, "sleep", "1000")
            for index in 0..<20 { try node.good("create", "--name", "made\(index)", image, "true") }
            mount.freeze()
            let path = mount.path + "/x"
            let stuck = try (0..<20).map { index in
                switch (verb, index % 3) {
                case ("update", _): try node.started("update", "--device-read-bps", "\(path):1mb", "made\(index)")
                case (_, 0): try node.started("create", "--device", path, image, "true")
                case (_, 1): try node.started("create", "--device-read-bps", "\(path):1mb", image, "true")
                default: try node.started("create", "-v", "\(path):/data", image, "true")
                }
            }
            try eventually("all wait for the mount") { mount.waiting >= 1 }
            for _ in 0..<3 {
                try node.good("run", "--rm", "-v", "/tmp:/data", image, "true")
                try node.good("exec", "free", "true")
                try node.good("images")
            }
            try node.good("rm", "-f", "free")
            mount.release()
            for client in stuck { #expect(try client.finish().code != 0) }
        }
    }

    @Test("monitors that can't be ended, as they wait for a filesystem that does not answer, keep nobody else waiting")
    func stuckMonitors() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode(configuration: "userns-range = \"700000:1310720\"\n") { (node: Node) throws in
            let mount = try FrozenMount(at: node.directory.path + "/frozen")
            defer { mount.release() }
            let names = (0..<20).map { "held\($0)" }
            for name in names {
                try node.good("create", "--name", name, "--userns", "auto", "-v", "\(mount.path)/x:/data", image, "sleep", "1000")
            }
            mount.freeze()
            let starts = try names.map { try node.started("start", $0) }
            try eventually("some monitors wait for the mount") { mount.waiting >= 1 && starts.allSatisfy(\.isRunning) }
            let removals = try names.map { try node.started("rm", "-f", $0) }
            for removal in removals { #expect(try removal.finish().code == 0) }
            try node.good("run", "--rm", image, "true")
            mount.release()
            for start in starts { #expect(try start.finish().code != 0) }
            try eventually("the monitors have gone") { try node.processes().allSatisfy { !$0.contains("ctr-swift-shim") } }
            try node.stopDaemon()
            try node.start()
        }
    }
}
