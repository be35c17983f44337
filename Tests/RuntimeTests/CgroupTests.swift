// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct CgroupTests {
    /// The first line of a file of the container's group, in whichever hierarchy it is.
    private func value(_ bundle: TestBundle, _ controller: String, _ v1: String, _ v2: String) throws -> String? {
        for hierarchy in try CgroupLayout.detect().hierarchies where hierarchy.controllers.contains(controller) {
            let file = "\(hierarchy.mountPoint)/ctr-swift-oci/\(bundle.id)/\(hierarchy.isUnified ? v2 : v1)"
            return String(decoding: try readFile(FilePath(file)), as: UTF8.self).split(separator: "\n").first.map { String($0) }
        }
        return nil
    }

    private func running(_ bundle: TestBundle, _ body: () throws -> Void) throws {
        let child = try bundle.start()
        defer {
            _ = try? bundle.verb("delete", ["--force"])
            _ = try? child.finish()
        }
        try waitUntil { child.output.hasPrefix("ready") || !child.errors.isEmpty }
        #expect(child.errors.isEmpty)
        try body()
    }

    @Test("memory, CPU and process limits are in the group's files") func limits() throws {
        let bundle = try TestBundle(["/bin/probe", "pause"])
        var resources = bundle.spec.linux?.resources ?? .init()
        resources.memory = .init(limit: 64 << 20, reservation: 32 << 20)
        resources.cpu = .init(shares: 512, quota: 50_000, period: 100_000)
        resources.pids = .init(limit: 17)
        bundle.spec.linux?.resources = resources
        try running(bundle) { () throws in
            #expect(try value(bundle, "memory", "memory.limit_in_bytes", "memory.max") == "67108864")
            #expect(try value(bundle, "memory", "memory.soft_limit_in_bytes", "memory.low") == "33554432")
            #expect(["512", "20"].contains(try value(bundle, "cpu", "cpu.shares", "cpu.weight")))
            #expect(["50000", "50000 100000"].contains(try value(bundle, "cpu", "cpu.cfs_quota_us", "cpu.max")))
            #expect(try value(bundle, "pids", "pids.max", "pids.max") == "17")
        }
    }

    @Test("a cpuset is made where it is asked for") func processors() throws {
        let bundle = try TestBundle(shell: "echo ready; grep Cpus_allowed_list /proc/self/status; sleep 100")
        bundle.spec.linux?.resources?.cpu = .init()
        bundle.spec.linux?.resources?.cpu?.cpus = "0"
        try running(bundle) { () throws in #expect(try value(bundle, "cpuset", "cpuset.cpus", "cpuset.cpus") == "0") }
    }

    @Test("a limit on huge pages is written where its controller is, v1 or v2") func hugePages() throws {
        let bundle = try TestBundle(["/bin/probe", "pause"])
        bundle.spec.linux?.resources?.hugepageLimits = [.init(pageSize: "2MB", limit: 4 << 20)]
        guard try CgroupLayout.detect().hierarchies.contains(where: { $0.controllers.contains("hugetlb") }) else { return }
        try running(bundle) { () throws in
            #expect(try value(bundle, "hugetlb", "hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max") == "4194304")
        }
        bundle.spec.linux?.resources?.hugepageLimits = [.init(pageSize: "../2MB", limit: 1)]
        #expect(try bundle.run().errors.contains("not the name of a cgroup file"))
    }

    @Test("a limit whose controller is not there is an error") func missingController() throws {
        let bundle = try TestBundle()
        bundle.spec.linux?.resources?.rdma = try JSON.decode(
            [String: RuntimeSpec.Linux.RDMA].self, from: Array("{\"mlx5_0\":{\"hcaHandles\":2}}".utf8))
        let layout = try CgroupLayout.detect()
        if !layout.hierarchies.contains(where: { $0.controllers.contains("rdma") }) {
            let result = try bundle.run()
            #expect(result.code == 125 && result.errors.contains("no rdma cgroup controller"), "\(result)")
        }
    }

    @Test("v2's own names are written as they are where v2 is alone, and refused elsewhere") func unifiedNames() throws {
        let bundle = try TestBundle(["/bin/probe", "pause"])
        bundle.spec.linux?.resources?.unified = ["memory.high": "33554432", "cpu.weight": "321"]
        guard try CgroupLayout.detect().isPureV2 else {
            #expect(try bundle.run().errors.contains("needs cgroup v2"))
            return
        }
        try running(bundle) { () throws in
            #expect(try value(bundle, "memory", "", "memory.high") == "33554432")
            #expect(try value(bundle, "cpu", "", "cpu.weight") == "321")
        }
    }

    @Test("the process limit holds, and the container can be ended then") func processLimit() throws {
        let bundle = try TestBundle(["/bin/probe", "children"])
        bundle.spec.linux?.resources?.pids = .init(limit: 20)
        let result = try bundle.run()
        #expect(result.output == "children 19\n", "\(result)")
    }

    @Test("a container over its memory limit is killed, and the group counts it") func outOfMemory() throws {
        let bundle = try TestBundle(["/bin/probe", "eat"])
        bundle.spec.linux?.resources?.memory = .init(limit: 16 << 20)
        bundle.options = ["--keep"]
        #expect(try bundle.run().code == 137)
        let record = try JSON.parse(readFile(bundle.state.appending(bundle.id).appending("state.json")))
        let handle = try JSON.decode(CgroupHandle.self, from: try #require(record["cgroup"]))
        #expect(try handle.outOfMemoryKills >= 1)
        #expect(try bundle.verb("delete").code == 0)
        #expect(access(bundle.state.appending(bundle.id).string, F_OK) == -1)
    }

    @Test("X-39: devices that no rule names are denied, nodes can be made") func devices() throws {
        let result = try TestBundle(["/bin/probe", "devices"]).run()
        #expect(result.lines == ["mknod ok", "open-mem EPERM", "open-loop EPERM", "open-null ok", "open-ptmx ok"], "\(result)")
    }

    @Test("a device that a rule allows is opened") func allowedDevice() throws {
        let bundle = try TestBundle(["/bin/probe", "devices"])
        bundle.spec.linux?.resources?.devices?.append(.init(allow: true, type: "b", major: 7, minor: 0, access: "r"))
        let lines = try bundle.run().lines
        #expect(lines.contains("open-mem EPERM") && lines.contains { $0.hasPrefix("open-loop") } && !lines.contains("open-loop EPERM"))
    }

    @Test("with cgroup v2 alone the container has its group, its device rules and its view of it") func unifiedAlone() throws {
        let layout = try CgroupLayout.detect()
        try #require(layout.unified != nil)
        let bundle = try TestBundle(shell: "grep -c ' cgroup2 ro,' /proc/self/mounts; cat /sys/fs/cgroup/cgroup.procs; /bin/probe devices")
        let classic = layout.hierarchies.filter { !$0.isUnified }.map { "umount \($0.mountPoint) && " }.joined()
        let words = try bundle.arguments("run", ["--bundle", bundle.path.string, bundle.id]).joined(separator: " ")
        let result = try command(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", "\(classic) exec \(words)"])
        #expect(result.lines.prefix(2) == ["1", "1"], "\(result)")
        #expect(result.lines.suffix(5) == ["mknod ok", "open-mem EPERM", "open-loop EPERM", "open-null ok", "open-ptmx ok"], "\(result)")
        bundle.spec.linux?.resources?.memory = .init(limit: 64 << 20)
        _ = try bundle.arguments("run")
        let limited = try command(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", "\(classic) exec \(words)"])
        if layout.unified?.controllers.contains("memory") != true {
            #expect(limited.code == 125 && limited.errors.contains("no memory cgroup controller"), "\(limited)")
        }
    }

    @Test("a path that leads out of the hierarchy is refused", arguments: ["../x", "/", "", "/a/../..", "system.slice:x:y"])
    func path(path: String) throws {
        let bundle = try TestBundle()
        bundle.spec.linux?.cgroupsPath = path
        #expect(try bundle.run().code == 125)
    }

    @Test("all processes of a group die at once, whatever session they are in") func killAll() throws {
        let bundle = try TestBundle(shell: "for i in 1 2 3 4 5; do setsid sleep 1000 & done; echo ready; wait")
        _ = symlink("busybox", bundle.rootfs.appending("bin/setsid").string)
        bundle.spec.linux?.namespaces?.removeAll { $0.type == "pid" }
        try running(bundle) { () throws in
            #expect(try command(bundle.arguments("kill", ["--all", bundle.id, "KILL"])).code == 0)
            // `run` notices, and removes the container.
            try waitUntil { try bundle.verb("state").code != 0 }
        }
        #expect(access("/sys/fs/cgroup/unified/ctr-swift-oci/\(bundle.id)", F_OK) == -1)
    }
}

/// cgroup v2's device rules, also where v1 has the devices controller: the hierarchy beside it runs the programs.
/// One after the other: the nodes are made in the host's /tmp.
@Suite(.asRoot, .busybox, .serialized) struct UnifiedDeviceTests {
    @Test(
        "X-39: a v2 group allows what its last matching rule allows",
        arguments: [
            ([DeviceRule](), ["mknod ENOENT", "open-null EPERM"]),
            ([DeviceRule(allow: true, kind: nil, major: nil, minor: nil, access: .all)], ["mknod ok", "open-null ok"]),
            (
                [
                    DeviceRule(allow: true, kind: nil, major: nil, minor: nil, access: .all),
                    DeviceRule(allow: false, kind: .character, major: 1, minor: 1, access: .read),
                ], ["mknod ok", "open-mem EPERM", "open-null ok"]
            ),
            (
                [
                    DeviceRule(allow: true, kind: .character, major: nil, minor: nil, access: .makeNode),
                    DeviceRule(allow: true, kind: .character, major: 1, minor: 3, access: [.read, .write]),
                ], ["mknod ok", "open-mem EPERM", "open-null ok"]
            ),
        ])
    func rules(rules: [DeviceRule], expected: [String]) throws {
        let unified = try #require(CgroupLayout.detect().unified)
        var handle = CgroupHandle(CgroupLayout(hierarchies: [unified]), path: "ctr-swift-test-\(UInt32.random(in: 0 ... .max))")
        try handle.make()
        defer { try? handle.delete() }
        let directory = try #require(handle.unified)
        try DeviceProgram.attach(rules, to: directory)
        let probe = try Probe.path()
        let result = try command([
            "/bin/sh", "-c", "echo $$ > \(directory.location)/cgroup.procs; rm -f /tmp/mem /tmp/loop; exec \(probe) devices 2>&1",
        ])
        try command(["/bin/rm", "-f", "/tmp/mem", "/tmp/loop"])
        for line in expected { #expect(result.lines.contains(line), "\(line): \(result)") }
    }

    @Test("a v2 group is frozen, thawed and killed as one") func freezeAndKill() throws {
        let unified = try #require(CgroupLayout.detect().unified)
        var handle = CgroupHandle(CgroupLayout(hierarchies: [unified]), path: "ctr-swift-test-\(UInt32.random(in: 0 ... .max))/inner")
        try handle.make()
        let location = try #require(handle.unified).location
        let child = try ChildProcess(["/bin/sh", "-c", "echo $$ > \(location)/cgroup.procs; for i in 1 2 3; do sleep 1000 & done; wait"])
        try waitUntil { try handle.processes().count == 4 }
        try handle.freeze()
        try waitUntil { try handle.isFrozen }
        try handle.thaw()
        try waitUntil { try !handle.isFrozen }
        try handle.killAll()
        #expect(try child.finish().code == 137)
        try handle.delete()
        #expect(access(location.string, F_OK) == -1)
        _ = rmdir(location.removingLastComponent().string)
    }
}

/// No kernel needed.
@Suite struct MountInfoTests {
    @Test("lines are read with their optional fields and escapes") func lines() throws {
        let text = """
            36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue
            37 36 0:5 / /a\\040b\\134c rw - tmpfs none rw
            broken line
            38 36 0:6 / /x rw -

            """
        let mounts = MountInfo.parse(Array(text.utf8))
        try #require(mounts.count == 2)
        #expect(mounts[0].propagation == ["master:1", "shared:2"] && mounts[0].root == "/mnt1" && mounts[0].type == "ext3")
        #expect(mounts[0].superOptions == ["rw", "errors=continue"] && mounts[0].options == ["rw", "noatime"])
        #expect(mounts[1].mountPoint == "/a b\\c" && mounts[1].propagation.isEmpty && mounts[1].source == "none")
    }
}

/// No kernel needed.
@Suite struct DeviceProgramTests {
    @Test("rules compile to a program that ends in a denial") func shape() {
        let code = DeviceProgram.compile([DeviceRule(allow: true, kind: .character, major: 1, minor: 3, access: .all)])
        #expect(code.count == 6 + 3 + 2 + 2)
        #expect(code.suffix(2) == [0xB4, 0x95])
        // Each comparison that fails jumps behind the rule.
        #expect(code[6...8].map { ($0 >> 16) & 0xFFFF } == [4, 3, 2])
    }
}
