// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import SystemPackage
import Testing

@Suite struct ShimSocketTests {
    private func withDirectory(_ body: (FilePath) throws -> Void) throws {
        let path = FilePath("/tmp/ctr-swift-linux-\(UInt64.random(in: 0 ... .max))")
        try makeDirectory(path, mode: 0o700)
        defer { try? removeTree(path) }
        try body(path)
    }

    @Test("a socket is found by a path of any length", arguments: [1, 60, 107, 108, 200, 255])
    func paths(length: Int) throws {
        try withDirectory { directory in
            let deep = directory.appending(String(repeating: "d", count: length))
            try makeDirectory(deep, mode: 0o700)
            let path = deep.appending("shim.sock")
            let listener = try UnixSocket.listen(at: path, .packets, mode: 0o600)
            var status = stat()
            #expect(lstat(path.string, &status) == 0 && status.st_mode & 0o777 == 0o600)
            let client = try UnixSocket.connect(to: path, .packets)
            let isAccepted = try UnixSocket.accept(listener) != nil
            #expect(isAccepted && client.raw > 0)
        }
    }

    @Test("a path that is taken is not taken over, whatever it is")
    func taken() throws {
        try withDirectory { directory in
            let path = directory.appending("x")
            try replaceFile(path, with: [1])
            let error = #expect(throws: KernelError.self) { _ = try UnixSocket.listen(at: path, .stream, mode: 0o600) }
            #expect(error?.errno == .addressInUse)
            #expect(try readFile(path) == [1])
        }
    }

    @Test("nobody waits at a listener that doesn't block")
    func nobody() throws {
        try withDirectory { directory in
            let listener = try UnixSocket.listen(at: directory.appending("x"), .packets, mode: 0o600)
            try listener.setNonblocking()
            let isNobody = try UnixSocket.accept(listener) == nil
            #expect(isNobody)
        }
    }

    @Test("a listener that takes nobody keeps one who does not wait no longer than a moment")
    func full() throws {
        try withDirectory { directory in
            let path = directory.appending("x")
            let listener = try UnixSocket.listen(at: path, .packets, mode: 0o600, backlog: 4)
            var waiting: [OwnedBox] = []
            let error = #expect(throws: KernelError.self) {
                while waiting.count < 100 { waiting.append(OwnedBox(try UnixSocket.connect(to: path, .packets, waiting: false).release())) }
            }
            #expect(error?.errno == .resourceTemporarilyUnavailable && !waiting.isEmpty)
            let isAccepted = try UnixSocket.accept(listener) != nil
            #expect(isAccepted)
            _ = try UnixSocket.connect(to: path, .packets, waiting: false)
        }
    }

    @Test("a message that does not fit is an error, and its descriptors are closed")
    func tooLong() throws {
        var pair = try UnixSocket.Pair(.packets)
        let (one, other) = (pair.takeFirst().release(), pair.takeSecond().release())
        let (sender, receiver) = (OwnedBox(one), OwnedBox(other))
        var pipe = try Pipe()
        let writer = pipe.takeWriter()
        try UnixSocket.send([UInt8](repeating: 1, count: 100), with: [writer.raw], to: sender.descriptor)
        let error = #expect(throws: KernelError.self) { _ = try UnixSocket.receive(from: receiver.descriptor, limit: 99) }
        #expect(error?.errno == .messageTooLong)
        _ = consume writer
        #expect(try readAll(pipe.takeReader(), object: "pipe", limit: 1) == [], "no copy of the write end is left")
    }

    @Test("the other end's credentials are the kernel's word")
    func credentials() throws {
        var pair = try UnixSocket.Pair(.stream)
        let peer = try PeerCredentials(of: pair.takeFirst())
        #expect(peer.pid == getpid() && peer.uid == getuid() && peer.gid == getgid())
        #expect(peer.isRootOrMember(of: getgid()))
    }

    @Test("what is no socket is told apart")
    func kinds() throws {
        var packets = try UnixSocket.Pair(.packets)
        var stream = try UnixSocket.Pair(.stream)
        #expect(UnixSocket.isPacketSocket(packets.takeFirst().release()))
        #expect(!UnixSocket.isPacketSocket(stream.takeFirst().release()))
        #expect(!UnixSocket.isPacketSocket(1_000_000))
    }
}

/// Tuples can't hold what can't be copied.
private final class OwnedBox {
    let descriptor: OwnedFD
    init(_ raw: CInt) { descriptor = OwnedFD(owning: raw) }
}
