// SPDX-License-Identifier: Apache-2.0

import Foundation
import Metadata
import TestSupport
import Testing

/// The daemon is killed at every step of its work on the store, and started again on the same root.
@Suite(.asRoot, .busybox) struct KillTests {
    @Test("killed at any step: what is recorded is whole, nothing else stays, and the same works afterwards", arguments: Scenario.all)
    func killed(_ scenario: Scenario) throws {
        let grounds = try CrashGrounds.made()
        let crash = try Crash(scenario, grounds, action: "kill")
        defer { crash.removeRoot() }
        let client = try crash.begin()
        #expect(try crash.node.daemon.finish().code == 128 + SIGKILL, "the daemon ends at the step: \(crash.node.daemonLog)")
        let answered = try client?.finish().code == 0
        try crash.node.start()
        if scenario.step == .containerRecorded { #expect(try crash.node.good("ps", "-aq").isEmpty == false, "it is recorded") }
        try crash.judge(acknowledged: answered)
        try crash.node.leave()
    }

    @Test(
        "a failpoint that is not understood ends the start: it would be a test that can't fail", arguments: ["kill:noStep:1", "kill", ""])
    func misspelt(_ text: String) throws {
        let node = try Node(environment: [ProcessFailpoint.variable: text], dies: true)
        let outcome = try node.daemon.finish()
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains(ProcessFailpoint.variable))
        try node.start()
        try node.leave()
    }
}
