// SPDX-License-Identifier: Apache-2.0

internal import CLinux
package import SystemPackage

/// One refused kernel request: what was called, on which object, and what the kernel said.
///
/// It crosses processes whole (shim to engine, engine to client), so it is plain data.
package struct KernelError: Error, Sendable, Hashable {
    /// The call as the man pages spell it, with its section: "fsconfig(2)".
    package var call: String
    /// What the call was made on: a path, a descriptor's role, a mount option.
    package var object: String
    package var errno: Errno

    package init(call: String, object: String, errno: Errno) {
        self.call = call
        self.object = object
        self.errno = errno
    }
}

extension KernelError {
    /// Bytes, inodes or a quota ran out.
    package var isOutOfSpace: Bool { errno == .noSpace || errno == .diskQuotaExceeded }
}

extension KernelError: CustomStringConvertible {
    /// One line: `openat2(2) "etc/passwd": No such file or directory`.
    package var description: String { "\(call) \"\(object)\": \(errno)" }
}

extension KernelError: Codable {
    private enum CodingKeys: String, CodingKey { case call, object, errno }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        call = try values.decode(String.self, forKey: .call)
        object = try values.decode(String.self, forKey: .object)
        errno = Errno(rawValue: try values.decode(CInt.self, forKey: .errno))
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(call, forKey: .call)
        try values.encode(object, forKey: .object)
        try values.encode(errno.rawValue, forKey: .errno)
    }
}

/// Makes a call that answers -1 and errno, and makes it again while a signal interrupts it.
///
/// - Parameters:
///   - call: the man page's name, such as "mkdirat(2)".
///   - object: evaluated only for an error.
/// - Returns: what the call returned, never -1.
@discardableResult
package func kernel<Result: FixedWidthInteger & SignedInteger>(
    _ call: StaticString, _ object: @autoclosure () -> String, _ body: () -> Result
) throws(KernelError) -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        let errno = lastErrno()
        if errno != .interrupted { throw KernelError(call: "\(call)", object: object(), errno: errno) }
    }
}

/// The calling thread's errno, to be read in the line after the call.
package func lastErrno() -> Errno { Errno(rawValue: ctr_errno()) }
