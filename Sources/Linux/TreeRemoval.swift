// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import SystemPackage

/// Removes a directory and everything below it; a path that is not there is no error.
///
/// By descriptors, so that no link is followed, and without recursion: a directory that lies deep is first renamed up into the top one,
/// so that 1,500 levels need neither 1,500 descriptors nor a path longer than the kernel takes. Mounts are not crossed: EBUSY is thrown.
/// - Parameter goesOn: asked before each name; false ends it.
/// - Throws: `KernelError`, ECANCELED where it was ended; what was removed until then is gone.
package func removeTree(_ path: FilePath, while goesOn: () -> Bool = { true }) throws(KernelError) {
    let top: OwnedFD
    do throws(KernelError) { top = try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) } catch
        where error.errno == .noSuchFileOrDirectory
    {
        return
    }
    try TreeRemoval.empty(top, path.string, while: goesOn)
    try withCPath(path) { raw throws(KernelError) in _ = try kernel("rmdir(2)", path.string) { rmdir(raw) } }
}

extension OwnedFD {
    /// The same for a name in this directory.
    package borrowing func removeTree(_ name: EntryName) throws(KernelError) {
        try TreeRemoval.empty(try open(name, O_RDONLY | O_DIRECTORY), display(name), while: { true })
        try remove(name, directory: true)
    }
}

private enum TreeRemoval {
    /// Names that were moved up are our own: they can't meet names of the tree.
    static func empty(_ top: borrowing OwnedFD, _ object: String, while goesOn: () -> Bool) throws(KernelError) {
        var counter = 0
        var pending = try sweep(top, object, while: goesOn)
        while let name = pending.popLast() {
            let directory = try top.open(name, O_RDONLY | O_DIRECTORY)
            for child in try sweep(directory, display(name), while: goesOn) {
                counter += 1
                var moved = Array(".removing-\(counter)-".utf8) + Array(String(UInt32.random(in: 0...UInt32.max), radix: 36).utf8)
                while try top.status(moved) != nil { moved.append(UInt8(ascii: "x")) }
                try directory.rename(child, to: moved, in: top)
                pending.append(moved)
            }
            try top.remove(name, directory: true)
        }
    }

    /// Removes what is no directory and every empty directory; returns the directories that hold something.
    private static func sweep(
        _ directory: borrowing OwnedFD, _ object: String, while goesOn: () -> Bool
    ) throws(KernelError) -> [EntryName] {
        var full: [EntryName] = []
        for (name, type) in try directory.entries(of: object) {
            guard goesOn() else { throw KernelError(call: "unlinkat(2)", object: object, errno: .canceled) }
            let isDirectory = type == UInt8(DT_UNKNOWN) ? try directory.status(name)?.kind == .directory : type == UInt8(DT_DIR)
            do throws(KernelError) { try directory.remove(name, directory: isDirectory) } catch
                where error.errno == .directoryNotEmpty || error.errno == .fileExists
            {
                full.append(name)
            } catch  where error.errno == .noSuchFileOrDirectory {}
        }
        return full
    }
}
