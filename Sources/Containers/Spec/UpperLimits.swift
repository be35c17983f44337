// SPDX-License-Identifier: Apache-2.0

package import APITypes
package import Linux

/// What a writable layer may take, checked.
package struct UpperLimits: Sendable, Hashable {
    /// Of a project; 0 is no limit.
    package let project: ProjectQuota.Limits

    /// overlayfs's own directories have to fit, too.
    package static let smallestSize: Int64 = 1 << 20
    package static let fewestInodes: Int64 = 16

    /// - Throws: `ContainerError.invalidRequest`.
    package init(_ request: CreateContainerRequest) throws(ContainerError) {
        let size = request.upperSizeInBytes ?? 0
        guard size == 0 || size >= Self.smallestSize else {
            throw .invalidRequest("a writable layer of \(size) bytes: at least \(Self.smallestSize) are needed", remedy: "use 1m or more")
        }
        let inodes = request.upperInodes ?? 0
        guard inodes == 0 || (Self.fewestInodes...Int64(UInt32.max)).contains(inodes) else {
            throw .invalidRequest("a writable layer of \(inodes) inodes", remedy: "use \(Self.fewestInodes) to \(UInt32.max)")
        }
        project = ProjectQuota.Limits(bytes: UInt64(size), inodes: UInt64(inodes))
    }

    /// Of a tmpfs; nil is the kernel's default.
    package var memorySizeInBytes: UInt64? { project.bytes > 0 ? project.bytes : nil }
    package var memoryInodes: UInt64? { project.inodes > 0 ? project.inodes : nil }
}
