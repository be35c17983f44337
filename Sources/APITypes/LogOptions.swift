// SPDX-License-Identifier: Apache-2.0

/// How much of a container's log is kept, and who waits where the disk is slow. What is left out is the node's default.
public struct LogOptions: Codable, Sendable, Hashable {
    /// `blocking`: the container waits, nothing is lost. `non-blocking`: it never waits; what the buffer can't take is dropped and counted.
    public enum Mode: String, Codable, Sendable, Hashable, CaseIterable {
        case blocking
        case nonBlocking = "non-blocking"
    }

    /// Of one file; 128 KiB or more.
    public var maxSizeInBytes: Int64?
    /// 1 to 1000, with the one that is being written.
    public var maxFiles: Int?
    public var mode: Mode?
    /// For `non-blocking`; 128 KiB to 1 GiB.
    public var bufferSizeInBytes: Int64?

    public init(maxSizeInBytes: Int64? = nil, maxFiles: Int? = nil, mode: Mode? = nil, bufferSizeInBytes: Int64? = nil) {
        self.maxSizeInBytes = maxSizeInBytes
        self.maxFiles = maxFiles
        self.mode = mode
        self.bufferSizeInBytes = bufferSizeInBytes
    }
}
