// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

/// What engines ask of a container that runs.
@Suite(.asRoot, .busybox) struct VerbTests {
    private func running(_ bundle: TestBundle, _ body: (ChildProcess) throws -> Void) throws {
        let child = try bundle.start()
        defer {
            _ = try? bundle.verb("delete", ["--force"])
            _ = try? child.finish()
        }
        try waitUntil { child.output.contains("ready") || !child.errors.isEmpty }
        #expect(child.errors.isEmpty)
        try bundle.waitForRecord()
        try body(child)
    }

    private func counting() throws -> TestBundle { try TestBundle(shell: "echo ready; while :; do echo tick; sleep 0.02; done") }

    private func group(_ bundle: TestBundle) throws -> CgroupHandle {
        CgroupHandle(existing: "ctr-swift-oci/\(bundle.id)", try CgroupLayout.detect())
    }

    private func value(_ bundle: TestBundle, _ controller: String, _ v1: String, _ v2: String) throws -> String {
        let directory = try #require(group(bundle).directory(of: controller), "\(controller)")
        let file = directory.location.appending(directory.hierarchy.isUnified ? v2 : v1)
        return String(decoding: try readFile(file), as: UTF8.self).split(separator: "\n").first.map { String($0) } ?? ""
    }

    @Test("a paused container does nothing, its state says so, and it goes on where it was") func pause() throws {
        let bundle = try counting()
        try running(bundle) { child throws in
            try waitUntil { child.output.contains("tick") }
            #expect(try bundle.verb("pause").code == 0)
            #expect(try bundle.status() == "paused")
            #expect(try bundle.verb("pause").code == 0, "as it is already")
            let said = child.output
            #expect(try group(bundle).isFrozen)
            usleep(200_000)
            #expect(child.output == said)
            #expect(try bundle.verb("resume").code == 0)
            #expect(try bundle.status() == "running")
            try waitUntil { child.output.utf8.count > said.utf8.count }
            let again = try bundle.verb("resume")
            #expect(again.code != 0 && again.errors.contains("is running, not paused"), "\(again)")
        }
    }

    @Test(
        "a paused container can be killed, and removed by force",
        arguments: [["kill", "KILL"], ["kill", "--all", "KILL"], ["delete", "--force"]])
    func endPaused(words: [String]) throws {
        let bundle = try counting()
        try running(bundle) { child throws in
            #expect(try bundle.verb("pause").code == 0)
            let arguments = words[0] == "kill" ? words.dropFirst().dropLast() + [bundle.id, "KILL"] : words.dropFirst() + [bundle.id]
            let result = try command(bundle.arguments(words[0], Array(arguments)))
            #expect(result.code == 0, "\(result)")
            #expect(try child.finish(seconds: 30).code == 137)
        }
    }

    @Test("ps tells the processes of the whole group, with the host's numbers") func processes() throws {
        let bundle = try TestBundle(shell: "sleep 1000 & sleep 1000 & echo ready; wait")
        try running(bundle) { _ throws in
            let json = try command(bundle.arguments("ps", ["--format", "json", bundle.id]))
            let numbers = try JSON.decode([Int32].self, from: Array(json.output.utf8))
            #expect(try numbers == group(bundle).processes() && numbers.count == 3)
            var table: [String] = []
            // Forked is not yet what it becomes.
            try waitUntil {
                table = try command(bundle.arguments("ps", [bundle.id])).lines
                return table.count { $0.hasSuffix("sleep 1000") } == 2
            }
            #expect(table.count == 4 && table[0].split(separator: " ") == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"])
            let inside = try command(bundle.arguments("ps", [bundle.id, "-o", "pidin,comm"])).lines
            #expect(inside[1].split(separator: " ") == ["1", "sh"], "\(inside)")
            let wrong = try command(bundle.arguments("ps", [bundle.id, "--forest"]))
            #expect(wrong.code != 0 && wrong.errors.contains("--forest"))
        }
    }

    @Test("update writes what is named, leaves the rest, and raises and lowers memory and swap in any order") func update() throws {
        let bundle = try TestBundle(["/bin/probe", "pause"])
        bundle.spec.linux?.resources?.memory = .init(limit: 64 << 20)
        bundle.spec.linux?.resources?.pids = .init(limit: 40)
        try running(bundle) { _ throws in
            func update(_ words: String..., input: String? = nil) throws -> Outcome {
                try command(bundle.arguments("update", words + [bundle.id]), input: input.map { Array($0.utf8) })
            }
            #expect(try update("--memory", "32m", "--memory-swap", "48m").code == 0)
            #expect(try value(bundle, "memory", "memory.limit_in_bytes", "memory.max") == "33554432")
            #expect(try update("--memory", "128m", "--memory-swap", "256m").code == 0, "both at once above the old sum")
            #expect(try value(bundle, "memory", "memory.limit_in_bytes", "memory.max") == "134217728")
            #expect(try update("--memory", "16m", "--memory-swap", "16m").code == 0, "and back")
            #expect(try value(bundle, "pids", "pids.max", "pids.max") == "40")
            #expect(try update("--pids-limit=-1", "--cpu-quota", "20000", "--cpu-period", "50000").code == 0)
            #expect(try value(bundle, "pids", "pids.max", "pids.max") == "max")
            #expect(["20000", "20000 50000"].contains(try value(bundle, "cpu", "cpu.cfs_quota_us", "cpu.max")))
            let document = #"{"pids":{"limit":17},"cpu":{"shares":512}}"#
            #expect(try update("--resources", "-", input: document).code == 0)
            #expect(try value(bundle, "pids", "pids.max", "pids.max") == "17")
            #expect(["512", "20"].contains(try value(bundle, "cpu", "cpu.shares", "cpu.weight")))
            let file = bundle.path.appending("new.json")
            try replaceFile(file, with: Array(#"{"pids":{"limit":18}}"#.utf8))
            #expect(try update("-r", file.string).code == 0)
            #expect(try value(bundle, "pids", "pids.max", "pids.max") == "18")
        }
    }

    @Test("a cpuset that was not asked for at the start is made by the update, with every process in it") func updateProcessors() throws {
        let bundle = try TestBundle(shell: "sleep 1000 & echo ready; wait")
        try running(bundle) { _ throws in
            let result = try command(bundle.arguments("update", ["--cpuset-cpus", "0", bundle.id]))
            #expect(result.code == 0, "\(result)")
            for process in try group(bundle).processes() {
                let status = String(decoding: try readFile(FilePath("/proc/\(process)/status")), as: UTF8.self)
                #expect(status.contains("Cpus_allowed_list:\t0\n"))
            }
            let wrong = try command(bundle.arguments("update", ["--cpuset-cpus", "4000", bundle.id]))
            #expect(wrong.code != 0 && wrong.errors.contains("cpuset.cpus"), "\(wrong)")
        }
        #expect(try group(bundle).directories.isEmpty, "the new group went with the others")
    }

    @Test("an update that fails after it has made a group leaves none when the container has gone") func updateInPart() throws {
        let bundle = try TestBundle(shell: "echo ready; exec sleep 1000")
        try running(bundle) { _ throws in
            let document = #"{"cpu":{"cpus":"0"},"unified":{"pids.nonsense":"1"}}"#
            let result = try command(bundle.arguments("update", ["--resources", "-", bundle.id]), input: Array(document.utf8))
            #expect(result.code != 0, "\(result)")
        }
        #expect(try group(bundle).directories.isEmpty, "the new group went with the others")
    }

    @Test("a limit below what is used is an error that names it, and the container lives on") func updateBelowUse() throws {
        let bundle = try TestBundle(["/bin/probe", "hold", "24"])
        bundle.spec.linux?.resources?.memory = .init(limit: 64 << 20, swap: 64 << 20)
        try running(bundle) { _ throws in
            let document = #"{"memory":{"limit":8388608,"checkBeforeUpdate":true}}"#
            let result = try command(bundle.arguments("update", ["--resources", "-", bundle.id]), input: Array(document.utf8))
            #expect(result.code != 0 && result.errors.contains("8388608") && result.errors.contains("uses"), "\(result)")
            #expect(try bundle.status() == "running")
            #expect(try value(bundle, "memory", "memory.limit_in_bytes", "memory.max") == "67108864")
        }
    }

    @Test("events --stats tells what the group's files say; a kill for want of memory is told, then the end") func events() throws {
        func number(_ value: JSONValue?) -> Int? {
            guard case .number(let number)? = value else { return nil }
            return number.integer(Int.self)
        }
        let bundle = try TestBundle(
            shell: "echo ready; while [ ! -e /tmp/go ]; do sleep 0.01; done; /bin/probe eat; echo eaten; sleep 1000")
        bundle.spec.linux?.resources?.memory = .init(limit: 16 << 20, swap: 16 << 20)
        bundle.spec.linux?.resources?.pids = .init(limit: 33)
        let quiet = try TestBundle(["/bin/probe", "pause"])
        quiet.spec.linux?.resources = bundle.spec.linux?.resources
        try running(quiet) { _ throws in
            let result = try command(quiet.arguments("events", ["--stats", quiet.id]))
            let event = try JSON.parse(Array(result.output.utf8))
            #expect(event["type"]?.stringValue == "stats" && event["id"]?.stringValue == quiet.id)
            let data = try #require(event["data"])
            #expect(number(data["memory"]?["usage"]?["limit"]) == 16 << 20)
            #expect(number(data["pids"]?["limit"]) == 33 && number(data["pids"]?["current"]) == 1)
            #expect(try #require(number(data["cpu"]?["usage"]?["total"])) > 0)
        }
        try running(bundle) { _ throws in
            let events = try ChildProcess(bundle.arguments("events", ["--interval", "100ms", bundle.id]))
            try events.wait { $0.contains("\"stats\"") }
            try replaceFile(bundle.rootfs.appending("tmp/go"), with: [])
            try events.wait { $0.contains("{\"type\":\"oom\",\"id\":\"\(bundle.id)\"}") }
            #expect(try command(bundle.arguments("kill", [bundle.id, "KILL"])).code == 0)
            #expect(try events.finish(seconds: 30).code == 0)
        }
    }

    @Test("descriptors that are to be preserved are the program's; the others are not") func preserved() throws {
        let bundle = try TestBundle(shell: "read -r line <&3; echo $line; ls /proc/self/fd | grep -c '^[45]$'")
        try replaceFile(bundle.path.appending("note"), with: Array("from outside\n".utf8))
        let words = try bundle.arguments("run", ["--preserve-fds", "1", "--bundle", bundle.path.string, bundle.id]).joined(separator: " ")
        let result = try command(["/bin/bash", "-c", "exec 3<\(bundle.path)/note 4</dev/null 5</dev/null; exec \(words)"])
        #expect(result.lines.first == "from outside", "\(result)")
        let missing = try command(bundle.arguments("run", ["--preserve-fds", "7", "--bundle", bundle.path.string, bundle.id]))
        #expect(missing.code != 0 && missing.errors.contains("is not open"), "\(missing)")
    }

    @Test(
        "what can't be honoured is refused by name",
        arguments: [
            (["--systemd-cgroup"], [String](), "cgroups made by systemd"), ([], ["--no-pivot"], "pivot_root(2)"),
            (["--log-format", "xml"], [], "use text or json"),
        ])
    func refused(global: [String], options: [String], message: String) throws {
        let bundle = try TestBundle()
        let arguments = try bundle.arguments("run", options + ["--bundle", bundle.path.string, bundle.id])
        let result = try command([TestBundle.runtime] + global + arguments.dropFirst())
        #expect(result.code != 0 && result.errors.contains(message), "\(result)")
    }

    @Test("the log has what engines look for: level, message and time, of verbs and of words that are not understood") func log() throws {
        let bundle = try TestBundle()
        let log = bundle.path.appending("log")
        for words in [["state", "nobody"], ["state", "--nonsense", "x"]] {
            let result = try command([TestBundle.runtime, "--root", bundle.state.string, "--log", log.string, "--log-format=json"] + words)
            #expect(result.code != 0)
        }
        let lines = try String(decoding: readFile(log), as: UTF8.self).split(separator: "\n").map { try JSON.parse(Array($0.utf8)) }
        #expect(lines.map { $0["level"]?.stringValue } == ["error", "error"])
        #expect(lines[0]["msg"]?.stringValue?.contains("\"nobody\" does not exist") == true)
        #expect(lines[1]["msg"]?.stringValue?.contains("--nonsense") == true)
        #expect(try lines.allSatisfy { Timestamp.parse(try #require($0["time"]?.stringValue)) != nil })
        let text = try command([TestBundle.runtime, "--debug", "--root", bundle.state.string, "--log", log.string, "list"])
        #expect(text.code == 0)
        #expect(String(decoding: try readFile(log), as: UTF8.self).contains("level=debug msg=\"begin: "))
    }

    @Test("a group below which others run is refused: their limits would be the container's") func groupAboveOthers() throws {
        let unified = try #require(CgroupLayout.detect().unified)
        let bundle = try TestBundle()
        bundle.spec.linux?.cgroupsPath = "/ctr-swift-oci-\(bundle.id)"
        let place = FilePath(unified.mountPoint).appending("ctr-swift-oci-\(bundle.id)")
        let below = place.appending("below")
        for directory in [place, below] { try makeDirectory(directory, mode: 0o755) }
        let other = try ChildProcess(["/bin/sleep", "1000"])
        defer {
            kill(other.pid, SIGKILL)
            _ = try? other.finish()
            for directory in [below, place] { _ = rmdir(directory.string) }
        }
        try writeFile(below.appending("cgroup.procs"), "\(other.pid)")
        let result = try bundle.run()
        #expect(result.code == 125 && result.errors.contains("holds processes"), "\(result)")
        #expect(other.isRunning && access(place.string, F_OK) == 0)
    }

    @Test("a group that is there already is used, also one that was killed before, and stays") func groupOfOthers() throws {
        let unified = try #require(CgroupLayout.detect().unified)
        let bundle = try TestBundle(shell: "cat /proc/self/cgroup; echo ready")
        bundle.spec.linux?.namespaces?.removeAll { $0.type == "cgroup" }
        bundle.spec.linux?.cgroupsPath = "/ctr-swift-oci-\(bundle.id)"
        let place = FilePath(unified.mountPoint).appending("ctr-swift-oci-\(bundle.id)")
        try makeDirectory(place, mode: 0o755)
        defer { _ = rmdir(place.string) }
        try writeFile(place.appending("cgroup.kill"), "1")
        let result = try bundle.run()
        #expect(result.code == 0 && result.lines.contains("0::/ctr-swift-oci-\(bundle.id)"), "\(result)")
        #expect(access(place.string, F_OK) == 0)
    }
}
