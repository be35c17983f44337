// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// A daemon that is asked to end, and not killed.
@Suite(.asRoot, .busybox) struct QuietEndTests {
    @Test(
        "SIGTERM, SIGINT and SIGHUP during a stop: the daemon ends with 0, and the stop is finished all the same (F-28)",
        arguments: [SIGTERM, SIGINT, SIGHUP])
    func duringAStop(signal: Int32) throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good(
                "run", "-d", "--name", "it", image, "sh", "-c", "trap 'echo heard' TERM; echo ready; while :; do sleep 0.01; done")
            try node.good("run", "-d", "--name", "other", image, "sleep", "1000")
            try node.wait(forLog: "ready", of: "it")
            let stop = try node.started("stop", "-t", "2", "it")
            try node.wait(forLog: "heard", of: "it")
            node.daemon.signal(signal)
            #expect(try node.daemon.finish().code == 0, "\(node.daemonLog)")
            _ = try stop.finish()
            try node.start()
            #expect(try node.good("wait", "it") == "137\n")
            #expect(try node.good("inspect", "--format", "{{.summary.exit.cause.request}}", "it") == "stop\n")
            #expect(try node.good("ps", "--format", "{{.name}}") == "other\n")
        }
    }
}
