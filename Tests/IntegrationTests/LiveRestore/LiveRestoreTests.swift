// SPDX-License-Identifier: Apache-2.0

import Foundation
import Metadata
import TestSupport
import Testing

/// The daemon is killed at every step of what it does with containers, and started again.
@Suite(.asRoot, .busybox) struct LiveRestoreTests {
    @Test(
        "killed at any step of a verb: what is recorded is true, what had begun is finished or undone, and other containers notice nothing",
        arguments: LiveScenario.all)
    func killed(_ scenario: LiveScenario) throws {
        let live = try LiveCrash(scenario)
        defer { live.removeRoot() }
        do {
            try live.crash()
            try live.judge()
        } catch {
            print(live.node.daemonLog.suffix(4000))
            live.abandon()
            throw error
        }
        try live.leave()
    }
}

/// One daemon with a failpoint, a witness that counts all the time, and "it".
struct LiveCrash {
    let node: Node
    private let scenario: LiveScenario
    private let image = CrashImage.old.id
    private let witness: ChildProcess

    init(_ scenario: LiveScenario) throws {
        self.scenario = scenario
        let root = "/var/tmp/ctr-swift-root-\(UInt64.random(in: 0 ... .max))"
        try CrashGrounds.made().copy(.old, to: root)
        node = try Node(
            configuration: CrashGrounds.configuration, root: root,
            environment: [ProcessFailpoint.variable: "kill:\(scenario.step):\(scenario.count)"])
        // In the foreground: its client reads from the monitor, and not from the daemon.
        witness = try node.started(
            "run", "--name", "witness", "--log", "file", image, "/bin/busybox", "sh", "-c",
            "trap 'exit 6' USR1; i=0; while :; do echo $i; i=$((i+1)); sleep 0.01; done")
        try witness.wait { $0.hasPrefix("0\n1\n") }
    }

    func removeRoot() { try? FileManager.default.removeItem(atPath: node.root) }

    /// Of a test that has failed nothing must stay.
    func abandon() {
        witness.signal(SIGKILL)
        node.daemon.signal(SIGKILL)
        try? node.start()
        try? node.leave()
    }

    func crash() throws {
        try scenario.verb.prepare(node, image)
        let before = try? pid()
        let client = try node.started(scenario.verb.arguments(image))
        #expect(try node.daemon.finish().code == 128 + SIGKILL, "the daemon ends at the step: \(node.daemonLog)")
        let outcome = try client.finish()
        if scenario.verb == .runRemoved {
            #expect(outcome.output == "said\n", "its streams don't depend on the daemon")
            #expect(outcome.code == 4, "nor does its exit code: \(outcome)")
        }
        try node.start()
        try expect(scenario.found, before)
        try expectDetails()
    }

    // MARK: It

    private func pid() throws -> Int {
        guard let pid = Int(try node.good(["inspect", "--format", "{{.summary.pid}}", "it"]).trimmed) else { throw Failure("no pid") }
        return pid
    }

    private func state(_ name: String = "it") throws -> String? {
        let outcome = try node.ctr("inspect", "--format", "{{.summary.state}}", name)
        return outcome.code == 0 ? outcome.output.trimmed : nil
    }

    /// Waits: what is finished after the crash takes its time.
    private func eventually(_ what: String, _ condition: () throws -> Bool) throws {
        for attempt in 0..<400 {
            if try condition() { return }
            usleep(attempt < 50 ? 10_000 : 100_000)
        }
        Issue.record("\(scenario): \(what) is not so: \(try node.good(["ps", "-a", "--json"]))\n\(node.daemonLog)")
    }

    private func expect(_ found: Found, _ before: Int?) throws {
        switch found {
        case .absent: try eventually("it is absent") { try state() == nil }
        case .created: #expect(try state() == "created")
        case .paused: #expect(try state() == "paused")
        case .ended(let code):
            try eventually("it has ended") { try state() == "stopped" }
            #expect(try node.good(["wait", "it"]).trimmed == "\(code)")
        case .running(let same):
            try eventually("it runs") { try state() == "running" && (same || (try? pid()) != before) }
            if same { #expect(try pid() == before) }
        case .oneLeft: #expect(Set(try node.good(["ps", "-a", "--format", "{{.name}}"]).trimmed.split(separator: "\n")).count == 2)
        case .renamed:
            #expect(try state() == nil)
            #expect(try state("that") == "running")
            try node.good(["rename", "that", "it"])
        }
    }

    private func expectDetails() throws {
        switch scenario.verb {
        case .stop, .stopPaused, .stopSlow, .kill:
            guard case .ended = scenario.found else { break }
            let verb = scenario.verb == .kill ? "kill" : "stop"
            #expect(try node.good(["inspect", "--format", "{{.summary.exit.cause.request}}", "it"]).trimmed == verb)
            if scenario.verb == .stopSlow { try expectGrace() }
        case .update: try expectLimit(scenario.step == ContainerStep.updateRecorded.rawValue ? 128 << 20 : 64 << 20)
        case .endRestarted:
            #expect(try node.good(["inspect", "--format", "{{.summary.restarts.count}}", "it"]).trimmed == "1", "counted once")
            try node.wait(forLog: "again", of: "it")
        case .exec, .execDetached: try expectExec()
        default: break
        }
        // A policy is called off by an end that was asked for, and by nothing else.
        if scenario.verb == .stop || scenario.verb == .restart, scenario.found != .ended(3) {
            try node.wait(forLog: "ready", of: "it")
            let before = try pid()
            try node.good(["kill", "-s", "USR1", "it"])
            try eventually("its policy starts it again") { try state() == "running" && (try? pid()) != before }
        }
    }

    /// PID 1 had its time between the signal that it heard and SIGKILL, though nobody was there to wait.
    private func expectGrace() throws {
        let heard = try #require(try node.good(["logs", "-t", "it"]).split(separator: "\n").first { $0.hasSuffix("heard") })
        let ended = try node.good(["inspect", "--format", "{{.summary.exit.finishedAt}}", "it"]).trimmed
        let first = try #require(heard.split(separator: " ").first.flatMap { Self.seconds(String($0)) })
        #expect(try #require(Self.seconds(ended)) - first > 1.5)
    }

    private static func seconds(_ time: String) -> Double? {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return (try? style.parse(time))?.timeIntervalSince1970
    }

    /// In the record, in the kernel, and in the bundle for the next start.
    private func expectLimit(_ bytes: Int) throws {
        #expect(try node.good(["inspect", "--format", "{{.request.resources.memoryInBytes}}", "it"]).trimmed == "\(bytes)")
        let id = try node.good(["inspect", "--format", "{{.summary.id}}", "it"]).trimmed
        let files = node.cgroups.filter { $0.hasSuffix(id) }.flatMap { ["\($0)/memory.limit_in_bytes", "\($0)/memory.max"] }
        #expect(files.compactMap { try? String(contentsOfFile: $0, encoding: .utf8).trimmed } == ["\(bytes)"])
        let bundle = try node.good(["inspect", "--format", "{{.bundle}}", "it"]).trimmed
        #expect(try String(contentsOfFile: bundle + "/config.json", encoding: .utf8).contains("\"limit\":\(bytes)"))
    }

    /// One that nobody was told of ends, but for one that was to go on without a client.
    private func expectExec() throws {
        // One that a client was to be sent to has ten seconds for it, and is none where its monitor was not told.
        let isDetached = scenario.verb == .execDetached
        let started = isDetached && scenario.step == ContainerStep.execStarted.rawValue
        // Its monitor may have been quicker than the signal that killed the daemon: then it is there, and told.
        let may = isDetached && scenario.step == ContainerStep.execRequested.rawValue
        try eventually("the further process \(started ? "is listed" : "is not there")") {
            let tree = try node.json("inspect", "it") as? [[String: Any]]
            let running = (tree?.first?["execs"] as? [[String: Any]])?.filter { $0["running"] as? Bool == true } ?? []
            let live = running.filter { kill(pid_t($0["pid"] as? Int ?? -1), 0) == 0 }
            return live.count == running.count && (running.count == (started ? 1 : 0) || may && running.count == 1)
        }
        if scenario.step == ContainerStep.execDescribed.rawValue {
            let id = try node.good(["inspect", "--format", "{{.summary.id}}", "it"]).trimmed
            try eventually("no description stays") {
                try FileManager.default.contentsOfDirectory(atPath: "\(node.directory.path)/run/containers/\(id)").allSatisfy {
                    !$0.hasPrefix("exec-")
                }
            }
        }
    }

    // MARK: Everything else

    func judge() throws {
        try eventually("nothing is there that is not recorded, and nothing recorded that is not there") { try disagreements().isEmpty }
        #expect(try disagreements() == [])
        #expect(node.mounts == [])
        // The same name can be used, and the node works.
        try node.ctr("rm", "-f", "it")
        try node.good(["run", "--rm", "--name", "it", image, "/bin/busybox", "true"])
        try node.good(["kill", "-s", "USR1", "witness"])
        let end = try witness.finish()
        #expect(end.code == 6, "the witness's client has its exit code: \(end.errors)")
        let numbers = end.lines.compactMap { Int($0) }
        #expect(numbers == Array(0..<end.lines.count) && numbers.count > 3, "the witness's client got every byte")
        #expect(try node.good(["logs", "witness"]) == end.output, "and so did its log")
    }

    func leave() throws { try node.leave() }

    /// Where record, processes, cgroups and directories don't agree.
    private func disagreements() throws -> [String] {
        var found: [String] = []
        let list = try #require(try node.json("ps", "-a", "--no-trunc") as? [[String: Any]])
        var ids: Set<String> = []
        var live: Set<String> = []
        for container in list {
            guard let id = container["id"] as? String, let state = container["state"] as? String else {
                throw Failure("no id: \(container)")
            }
            ids.insert(id)
            if ["running", "paused", "stopping"].contains(state) { live.insert(id) }
            guard live.contains(id) else { continue }
            let groups = (container["pid"] as? Int).flatMap { try? String(contentsOfFile: "/proc/\($0)/cgroup", encoding: .utf8) }
            if groups?.contains(id) != true { found.append("\(id) is \(state) and has no process") }
        }
        let groups = Set(node.cgroups.map { ($0 as NSString).lastPathComponent })
        if groups != live { found.append("cgroups \(groups) of \(live)") }
        let shims = Set(try node.processes().filter { $0.contains("ctr-swift-shim") }.compactMap(Self.id))
        if shims != live { found.append("shims of \(shims), not of \(live)") }
        let files = FileManager.default
        let directories = Set(try files.contentsOfDirectory(atPath: node.root + "/containers"))
        if directories != ids { found.append("directories \(directories) of \(ids)") }
        let states = Set(try files.contentsOfDirectory(atPath: node.directory.path + "/run/containers"))
        if !states.isSubset(of: ids) || !live.isSubset(of: states) { found.append("states \(states) of \(ids)") }
        for place in ["trash", "ingest"] where try !files.contentsOfDirectory(atPath: "\(node.root)/\(place)").isEmpty {
            found.append(place)
        }
        return found
    }

    /// From `…/containers/<id>/shim.json`.
    private static func id(ofShim line: String) -> String? {
        let words = line.split(separator: "/")
        return words.firstIndex(of: "containers").flatMap { $0 + 1 < words.count ? String(words[$0 + 1]) : nil }
    }
}

extension StringProtocol {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
