// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// Both ends of a pipe, close-on-exec. Take an end out to keep it; what is left is closed with the value. Source: pipe(2).
package struct Pipe: ~Copyable {
    private var reader: OwnedFD?
    private var writer: OwnedFD?

    package init() throws(KernelError) {
        var ends: [CInt] = [-1, -1]
        try kernel("pipe2(2)", "pipe") { ctr_pipe(&ends, 0) }
        reader = OwnedFD(owning: ends[0])
        writer = OwnedFD(owning: ends[1])
    }

    package mutating func takeReader() -> OwnedFD {
        guard let end = reader.take() else { preconditionFailure("the read end was taken before") }
        return end
    }

    package mutating func takeWriter() -> OwnedFD {
        guard let end = writer.take() else { preconditionFailure("the write end was taken before") }
        return end
    }
}

extension OwnedFD {
    /// Makes every later read and write of this open file description answer EAGAIN instead of waiting, or wait again.
    package borrowing func setNonblocking(_ on: Bool = true) throws(KernelError) {
        let raw = self.raw
        let flags = try kernel("fcntl(2)", "F_GETFL of descriptor \(raw)") { fcntl(raw, F_GETFL) }
        let wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK
        try kernel("fcntl(2)", "F_SETFL of descriptor \(raw)") { fcntl(raw, F_SETFL, wanted) }
    }

    /// A second open file description of the same pipe, which blocks: flags that one holder sets don't reach the other.
    ///
    /// Opening an anonymous pipe by /proc never waits for a partner (fifo_open, `is_pipe`).
    package borrowing func reopenPipe(forWriting: Bool) throws(KernelError) -> OwnedFD {
        try openFile(FilePath("/proc/self/fd/\(raw)"), forWriting ? O_WRONLY : O_RDONLY)
    }
}

/// Reads what is there.
/// - Returns: nil where nothing is there now (a descriptor that doesn't block); 0 at the end.
package func readSome(_ raw: CInt, into buffer: UnsafeMutableRawBufferPointer, object: @autoclosure () -> String) throws(KernelError)
    -> Int?
{
    do throws(KernelError) {
        return try kernel("read(2)", object()) { read(raw, buffer.baseAddress, buffer.count) }
    } catch  where error.errno == .wouldBlock || error.errno == .resourceTemporarilyUnavailable {
        return nil
    }
}

/// Writes what is taken.
/// - Returns: how much; 0 where nothing is taken now (a descriptor that doesn't block). SIGPIPE has to be blocked or ignored.
package func writeSome(_ raw: CInt, _ bytes: UnsafeRawBufferPointer, object: @autoclosure () -> String) throws(KernelError) -> Int {
    do throws(KernelError) {
        return try kernel("write(2)", object()) { write(raw, bytes.baseAddress, bytes.count) }
    } catch  where error.errno == .wouldBlock || error.errno == .resourceTemporarilyUnavailable {
        return 0
    }
}
