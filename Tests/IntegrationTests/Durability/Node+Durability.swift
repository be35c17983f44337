// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

extension Node {
    /// Every image that is listed runs, and shows what it is made of.
    func expectWhole() throws {
        for (id, names) in try imageNames() {
            let image = try #require(CrashImage.of(id: id))
            #expect(!names.isEmpty)
            let seen = try ctr("run", "--rm", "--pull", "never", id, "/bin/busybox", "sh", "-c", image.listingCommand)
            #expect(Set(seen.lines).symmetricDifference(image.listing) == [], "\(image): \(seen.errors)")
        }
    }

    /// Until nothing lies in the trash any more.
    func settle() throws {
        for _ in 0..<6000 {
            if try FileManager.default.contentsOfDirectory(atPath: root + "/trash").isEmpty { return }
            usleep(10_000)
        }
        Issue.record("the trash is not emptied: \(daemonLog)")
    }
}
