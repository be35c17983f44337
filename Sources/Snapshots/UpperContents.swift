// SPDX-License-Identifier: Apache-2.0

package import Layers
package import Linux

/// What a container has written, path by path.
package struct UpperContents: Sendable, Hashable {
    package struct File: Sendable, Hashable {
        package var path: LayerPath
        /// Blocks x 512.
        package var bytes: Int64
    }

    /// What lies directly in a directory, the directories in it as themselves alone.
    package struct Directory: Sendable, Hashable {
        package var path: LayerPath
        package var bytes: Int64
        package var inodes: Int64
    }

    /// A file that a lower has, too: copied up to be changed, or written in its place.
    package struct CopiedFile: Sendable, Hashable {
        package var path: LayerPath
        package var bytes: Int64
        /// Of the file that it hides, blocks x 512.
        package var lowerBytes: Int64
        /// Which lowerdir has that, from the uppermost down.
        package var lowerdir: Int
    }

    /// A sample of marks, and how many there are.
    package struct Marks: Sendable, Hashable {
        package var count: Int
        /// The first ones in the order of the tree.
        package var paths: [LayerPath]
    }

    /// The directory itself and everything below; a hard-linked file counts once.
    package var usage: TreeUsage
    package var files: Int64
    package var directories: Int64
    package var largestFiles: [File]
    package var fullestDirectories: [Directory]
    package var copiedCount: Int
    package var copiedBytes: Int64
    package var copiedLowerBytes: Int64
    /// Those with the largest lower files.
    package var copied: [CopiedFile]
    /// Names of lowers that are deleted.
    package var whiteouts: Marks
    /// Directories that hide everything that lowers have in their place.
    package var opaques: Marks
}
