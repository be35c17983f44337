// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import SystemPackage
import TestSupport
import Testing

@Suite struct LockFileTests {
    @Test("a lock that another one lets go within a moment is taken; one that is kept is refused") func patience() throws {
        let path = FilePath("/tmp/ctr-swift-lock-\(UInt64.random(in: 0 ... .max))")
        defer { unlink(path.string) }
        let mine = try openFile(path, O_RDWR | O_CREAT, mode: 0o600)
        let other = open(path.string, O_RDWR | O_CLOEXEC)
        try #require(other != -1 && flock(other, LOCK_EX | LOCK_NB) == 0)
        let error = #expect(throws: KernelError.self) { try lockFile(mine, path.string) }
        #expect(error?.errno == .wouldBlock)
        try startThread(name: "holder") {
            usleep(20_000)
            close(other)
        }
        // More than one patience, where this machine is slow to let the thread go on.
        try eventually("it is taken") { (try? lockFile(mine, path.string)) != nil }
    }
}
