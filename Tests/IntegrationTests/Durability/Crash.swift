// SPDX-License-Identifier: Apache-2.0

import Foundation
import Metadata
import TestSupport
import Testing

/// One daemon with a failpoint on a root of its own, and what has to hold after its end.
struct Crash {
    let node: Node
    private let scenario: Scenario
    private let grounds: CrashGrounds

    /// - Parameters:
    ///   - action: `kill` or `stop`.
    ///   - root: nil is one in the node's own directory.
    init(_ scenario: Scenario, _ grounds: CrashGrounds, action: String, root: String? = nil) throws {
        self.scenario = scenario
        self.grounds = grounds
        let place = root ?? "/var/tmp/ctr-swift-root-\(UInt64.random(in: 0 ... .max))"
        try grounds.copy(scenario.ground, to: place)
        if let root { try CrashGrounds.good("sync", "-f", (root as NSString).deletingLastPathComponent) }
        node = try Node(
            configuration: CrashGrounds.configuration, root: place,
            environment: [ProcessFailpoint.variable: "\(action):\(scenario.step.rawValue):\(scenario.count)"], dies: scenario.work == .start
        )
    }

    func removeRoot() { try? FileManager.default.removeItem(atPath: node.root) }

    /// Starts the work that the daemon does not survive.
    func begin() throws -> ChildProcess? {
        guard let arguments = scenario.work.arguments(grounds) else { return nil }
        // The database's log can't be synced: every thread is told so once.
        if scenario.work == .pullUnsynced { _ = try Tracer(of: node.daemon.pid, failing: "fdatasync", with: "EIO") }
        return try node.started(arguments)
    }

    /// The daemon has come to the step, and does nothing any more.
    func waitUntilStopped() throws {
        for _ in 0..<6000 {
            let status = try String(contentsOfFile: "/proc/\(node.daemon.pid)/stat", encoding: .utf8)
            if status.split(separator: ")").last?.hasPrefix(" T") == true { return }
            usleep(5_000)
        }
        throw Failure("the step was not reached: \(node.daemonLog)")
    }

    /// After the restart: the census, the images from inside, the same work again, and the way back to nothing.
    /// - Parameter acknowledged: the work was answered with success.
    func judge(acknowledged: Bool) throws {
        try node.settle()
        let found = try Census.take(node.root, layers: grounds.layers, "after the crash")
        try judge(found, acknowledged)
        try node.expectWhole()
        try again()
        try node.settle()
        try Census.take(node.root, layers: grounds.layers, "after the same work once more")
        try node.expectWhole()
        for id in try node.good("ps", "-aq").split(separator: "\n") { try node.good("rm", String(id)) }
        for id in Set(try node.imageNames().map(\.id)) { try node.good("rmi", id) }
        try node.settle()
        let left = try Census.take(node.root, layers: [:], "after everything was removed")
        #expect(left.isEmpty)
    }

    private func judge(_ found: Set<String>, _ acknowledged: Bool) throws {
        #expect(found.contains(CrashImage.old.id) == (scenario.ground != .nothing), "the older image")
        #expect(found.isSubset(of: CrashImage.allCases.map(\.id)))
        let isThere = found.contains(CrashImage.new.id)
        if scenario.work == .pullUnsynced {
            // Either: what was refused may have been done. It must be whole.
        } else if scenario.work.brings {
            #expect(!(acknowledged || scenario.isDone) || isThere, "what was done or acknowledged is there")
            #expect(scenario.isDone || !isThere, "what was not recorded is not there")
        } else if scenario.work.takes {
            #expect(isThere == !(acknowledged || scenario.isDone), "a removal is done or not")
        } else {
            #expect(isThere == [.both, .aged].contains(scenario.ground))
        }
    }

    private func again() throws {
        guard let arguments = scenario.work.arguments(grounds) else { return }
        let there = try node.good("ps", "-a", "--format", "{{.name}}").split(separator: "\n")
        let outcome = try node.ctr(arguments)
        switch scenario.work {
        case .start: break
        case .pull, .pullUnsynced, .load, .repair: #expect(outcome.code == 0, "\(outcome)")
        case .pullBroken: #expect(outcome.code == 1)
        // What was done by the first one can't be done again.
        case .remove: #expect(outcome.code == (scenario.isDone ? 1 : 0), "\(outcome)")
        case .create: #expect((outcome.code == 0) == !there.contains("made"), "\(outcome)")
        case .removeContainer: #expect((outcome.code == 0) == there.contains("there"), "\(outcome)")
        }
    }
}
