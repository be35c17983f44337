// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import ShimProtocol
internal import SystemPackage

/// One stream that the container writes, as the shim sees it.
struct ContainerOutput: ~Copyable {
    let stream: ShimStream
    private var descriptor: OwnedFD?
    private static let chunk = 64 << 10

    init(_ stream: ShimStream, _ descriptor: consuming OwnedFD?) {
        self.stream = stream
        raw = descriptor?.raw
        self.descriptor = consume descriptor
    }

    /// For poll(2) and SCM_RIGHTS; nil after the end.
    private(set) var raw: CInt?

    /// What is there now; nil at the end of the stream, which closes it. Called only after poll(2) said that a read does not wait.
    mutating func read() -> [UInt8]? {
        guard let raw else { return nil }
        var bytes = [UInt8](repeating: 0, count: Self.chunk)
        let count = bytes.withUnsafeMutableBytes { Glibc.read(raw, $0.baseAddress, $0.count) }
        if count > 0 { return Array(bytes[..<count]) }
        if count < 0, [.interrupted, .resourceTemporarilyUnavailable].contains(lastErrno()) { return [] }
        // 0, or EIO from a terminal whose other end nobody has open any more.
        close()
        return nil
    }

    mutating func close() {
        descriptor = nil
        raw = nil
    }
}
