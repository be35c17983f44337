// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct ProcessFieldTests {
    @Test("a time namespace has its own clocks", arguments: [false, true]) func time(withUserNamespace: Bool) throws {
        let bundle = try TestBundle(shell: "cat /proc/self/timens_offsets; cat /proc/uptime; readlink /proc/self/ns/time")
        if withUserNamespace {
            bundle.map(from: 100_000)
            bundle.options.append("--id-mapped-root")
        }
        bundle.spec.linux?.namespaces?.append(.init(type: "time"))
        bundle.spec.linux?.timeOffsets = [
            "monotonic": .init(secs: 172_800, nanosecs: 5), "boottime": .init(secs: 8_640_000),
        ]
        let result = try bundle.run()
        let lines = result.lines
        try #require(lines.count == 4, "\(result)")
        #expect(lines[0].split(separator: " ") == ["monotonic", "172800", "5"])
        #expect(lines[1].split(separator: " ") == ["boottime", "8640000", "0"])
        let uptime = try #require(Double(lines[2].split(separator: " ")[0]))
        #expect(uptime > 8_640_000)
        #expect(lines[3] != hostNamespace("time"))
    }

    @Test("a time namespace is joined by its path") func joinedTime() throws {
        let bundle = try TestBundle(shell: "readlink /proc/self/ns/time")
        bundle.spec.linux?.namespaces?.append(.init(type: "time", path: "/proc/\(getpid())/ns/time"))
        #expect(try bundle.run().lines == [hostNamespace("time")])
    }

    @Test("clocks without a new time namespace are refused") func refusedTime() throws {
        let bundle = try TestBundle()
        bundle.spec.linux?.timeOffsets = ["monotonic": .init(secs: 1)]
        #expect(try bundle.run().errors.contains("needs a new time namespace"))
        bundle.spec.linux?.namespaces?.append(.init(type: "time"))
        bundle.spec.linux?.timeOffsets = ["realtime": .init(secs: 1)]
        #expect(try bundle.run().errors.contains("no clock"))
    }

    /// Policy, and what field 41 of /proc/self/stat then is. Source: sched(7).
    static let policies: [(policy: String, number: String, change: @Sendable (inout RuntimeSpec.Scheduler) -> Void)] = [
        ("SCHED_OTHER", "0", { $0.nice = 5 }), ("SCHED_BATCH", "3", { $0.nice = 7 }), ("SCHED_IDLE", "5", { _ in }),
        ("SCHED_FIFO", "1", { $0.priority = 10 }), ("SCHED_RR", "2", { $0.priority = 20 }),
        (
            "SCHED_DEADLINE", "6",
            {
                $0.runtime = 1_000_000
                $0.deadline = 50_000_000
                $0.period = 100_000_000
                $0.flags = ["SCHED_FLAG_RECLAIM"]
            }
        ),
    ]

    @Test("the scheduler's policy and its values are the program's", arguments: policies.indices, [false, true])
    func scheduler(index: Int, withUserNamespace: Bool) throws {
        let (policy, number, change) = Self.policies[index]
        let bundle = try TestBundle(["/bin/cat", "/proc/self/stat"])
        if withUserNamespace {
            bundle.map(from: 100_000)
            bundle.options.append("--id-mapped-root")
        }
        var scheduler = RuntimeSpec.Scheduler(policy: policy)
        change(&scheduler)
        bundle.spec.process?.scheduler = scheduler
        let result = try bundle.run()
        // A kernel that shares out real time by cgroup gives none to a new group.
        if ["SCHED_FIFO", "SCHED_RR"].contains(policy), access("/sys/fs/cgroup/cpu/cpu.rt_runtime_us", F_OK) == 0 {
            #expect(result.code == 125 && result.errors.contains("cpu.rt_runtime_us"), "\(result)")
            return
        }
        let fields = result.output.split(separator: " ")
        try #require(fields.count > 41, "\(result)")
        #expect(fields[40] == number)
        if let nice = scheduler.nice { #expect(fields[18] == "\(nice)") }
        if let priority = scheduler.priority { #expect(fields[39] == "\(priority)") }
    }

    @Test(
        "a scheduler that can't be is refused",
        arguments: [("SCHED_NONE", nil, nil), ("SCHED_FIFO", nil, nil), ("SCHED_OTHER", 3, nil), ("SCHED_IDLE", nil, 4)]
            as [(String, Int32?, Int32?)])
    func refusedScheduler(policy: String, priority: Int32?, nice: Int32?) throws {
        let bundle = try TestBundle()
        var scheduler = RuntimeSpec.Scheduler(policy: policy)
        scheduler.priority = priority
        scheduler.nice = nice
        bundle.spec.process?.scheduler = scheduler
        #expect(try bundle.run().code == 125)
    }

    @Test(
        "the class of input and output is the program's",
        arguments: [
            ("IOPRIO_CLASS_RT", 2, "realtime: prio 2"), ("IOPRIO_CLASS_BE", 6, "best-effort: prio 6"), ("IOPRIO_CLASS_IDLE", 0, "idle"),
        ])
    func ioPriority(name: String, level: Int, expected: String) throws {
        let bundle = try TestBundle(["/bin/busybox", "ionice"])
        bundle.spec.process?.ioPriority = .init(class: name, priority: level)
        let result = try bundle.run()
        #expect(result.output.hasPrefix(expected), "\(result)")
    }

    @Test("the out-of-memory score is set, with a user namespace too", arguments: [false, true]) func score(withUserNamespace: Bool) throws
    {
        let bundle = try TestBundle(["/bin/cat", "/proc/self/oom_score_adj"])
        if withUserNamespace {
            bundle.map(from: 100_000)
            bundle.options.append("--id-mapped-root")
        }
        bundle.spec.process?.oomScoreAdj = 321
        #expect(try bundle.run().lines == ["321"])
    }

    @Test("a 32-bit personality shows in uname") func personality() throws {
        let bundle = try TestBundle(["/bin/busybox", "uname", "-m"])
        bundle.spec.linux?.personality = .init(domain: "LINUX32")
        #expect(["i686", "armv8l"].contains(try bundle.run().lines.first))
        bundle.spec.linux?.personality = .init(domain: "LINUX32", flags: ["ADDR_NO_RANDOMIZE"])
        #expect(try bundle.run().code == 125)
    }

    @Test("what a kernel or this runtime lacks is refused by name", arguments: Lacking.all) func lacking(case lack: Lacking) throws {
        let bundle = try TestBundle()
        lack.change(&bundle.spec)
        let result = try bundle.run()
        #expect(result.code == 125 && result.errors.contains(lack.message), "\(result)")
    }
}

struct Lacking: Sendable, CustomTestStringConvertible {
    var message: String
    var change: @Sendable (inout RuntimeSpec) -> Void
    var testDescription: String { message }

    static let all: [Lacking] =
        [
            Lacking(message: "linux.intelRdt") { $0.linux?.intelRdt = .object(JSONObject()) },
            Lacking(message: "linux.vtpms") { $0.linux?.vtpms = .array([]) },
            Lacking(message: "linux.netDevices") { $0.linux?.netDevices = .object(JSONObject()) },
            Lacking(message: "ociVersion \"2.0.0\"") { $0.ociVersion = "2.0.0" },
            Lacking(message: "ociVersion \"one\"") { $0.ociVersion = "one" },
        ]
        + (access("/sys/module/apparmor/parameters/enabled", F_OK) == 0
            ? [] : [Lacking(message: "without AppArmor") { $0.process?.apparmorProfile = "docker-default" }])
        + (access("/sys/fs/selinux/enforce", F_OK) == 0
            ? []
            : [
                Lacking(message: "without SELinux") { $0.process?.selinuxLabel = "system_u:system_r:container_t:s0" },
                Lacking(message: "linux.mountLabel") { $0.linux?.mountLabel = "system_u:object_r:container_file_t:s0" },
            ])
}
