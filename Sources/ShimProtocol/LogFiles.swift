// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Linux
package import SystemPackage

/// The files of one container's log, as the shim makes them and `logs` reads them.
///
///     container.log        what is being written
///     container.log.<n>    full ones; the higher the number, the newer. A number is given once, so that a reader sees what it has missed
package enum LogFiles {
    package static let current = "container.log"

    package static func name(_ number: Int) -> String { "\(current).\(number)" }

    /// The numbers of the full files, oldest first.
    package static func numbers(in directory: FilePath) throws(KernelError) -> [Int] {
        try openFile(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).entries(of: directory.string).compactMap { name, _ in
            let text = String(decoding: name, as: UTF8.self)
            guard text.hasPrefix(current + "."), let number = Int(text.dropFirst(current.utf8.count + 1)), number > 0 else { return nil }
            return number
        }.sorted()
    }
}

/// How much of a log is kept, and who waits where the disk is slow.
package struct LogLimits: Codable, Sendable, Hashable {
    package enum Mode: String, Codable, Sendable, Hashable {
        /// The container waits for the disk: nothing is lost.
        case blocking
        /// The container never waits: what does not fit into the buffer is dropped, and counted.
        case nonBlocking = "non-blocking"
    }

    /// Of one file; never more, by not a byte.
    package var maxSizeInBytes: Int64
    /// With the one that is being written.
    package var maxFiles: Int
    package var mode: Mode
    /// For `nonBlocking`: what may wait for the disk.
    package var bufferSizeInBytes: Int

    package init(maxSizeInBytes: Int64 = 10 << 20, maxFiles: Int = 3, mode: Mode = .blocking, bufferSizeInBytes: Int = 1 << 20) {
        self.maxSizeInBytes = maxSizeInBytes
        self.maxFiles = maxFiles
        self.mode = mode
        self.bufferSizeInBytes = bufferSizeInBytes
    }

    /// A record of 16 KiB of text whose every byte is escaped has 96 KiB: each file has room for one at least.
    package static let smallestSize: Int64 = 128 << 10
    package static let mostFiles = 1000
}
