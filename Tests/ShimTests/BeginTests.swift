// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import ShimProtocol
import SystemPackage
import TestSupport
import Testing

/// A monitor is a process before its container is there: what it does until it has the word to begin, and where that does not come.
@Suite(.asRoot, .busybox) struct BeginTests {
    private static func status(_ pid: pid_t) -> CInt {
        var status: CInt = -1
        while waitpid(pid, &status, 0) == -1, errno == EINTR {}
        return status
    }

    /// Nothing of a container is there.
    private static func expectNothing(of container: TestContainer, _ location: SourceLocation = #_sourceLocation) throws {
        for name in ["shim.sock", "exit.json", "shim.log"] {
            #expect(access(container.state.appending(name).string, F_OK) == -1, sourceLocation: location)
        }
        #expect(try container.cgroupDirectories() == [], sourceLocation: location)
    }

    @Test("without the word nothing begins, and the monitor ends with its connection (F-03)")
    func noWord() throws {
        let container = try TestContainer(["/bin/true"])
        try container.write()
        let pid: pid_t
        do {
            let shim = try WaitingShim(container)
            pid = shim.pid
            try eventually("it has got ready, and waits") {
                try readFile(FilePath("/proc/\(pid)/comm")) == Array("ctr-swift-shim\n".utf8) && ProcessStat(of: pid).state == "S"
            }
            try Self.expectNothing(of: container)
        }
        #expect(Self.status(pid) == 0)
        try Self.expectNothing(of: container)
    }

    @Test("nothing but the word, with what belongs to it, is taken", arguments: [.status, .watch, .begin] as [ShimRequest])
    func otherWord(_ request: ShimRequest) throws {
        let container = try TestContainer(["/bin/true"])
        try container.write()
        let shim = try WaitingShim(container)
        try shim.engine.send(request)
        let message = try shim.engine.receiveMessage()
        guard case .failed(let failure) = message else { throw Unexpected(message) }
        #expect(failure.step == "begin")
        #expect(Self.status(shim.pid) == 1 << 8)
        try Self.expectNothing(of: container)
    }

    @Test("namespaces that did not come along are not entered", arguments: [1, 0, -1, .max])
    func missingNamespaces(place: Int) throws {
        let container = try TestContainer(["/bin/true"])
        container.configuration.sharedNamespaces = ShimConfiguration.SharedNamespaces(places: ["ipc": place], sharedMemory: nil)
        let shim = try container.start()
        let message = try shim.message()
        guard case .failed(let failure) = message else { throw Unexpected(message) }
        #expect(failure.reason?.contains("did not come along") == true)
        #expect(shim.end() == 1)
    }

    @Test("who says it again, or without being the engine, is refused")
    func again() throws {
        let shim = try TestContainer(["/bin/sleep", "100"]).start()
        try shim.started()
        #expect(try shim.connect().ask(.begin) == .refused("the container has begun"))
    }
}
