// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import SystemPackage

enum Files {
    /// With its parents.
    static func makeDirectories(_ path: FilePath) throws {
        var prefix = FilePath("/")
        for component in path.components {
            prefix.append(component)
            try makeDirectory(prefix, mode: 0o755)
        }
    }

    static func link(_ target: String, at path: FilePath) throws {
        guard symlink(target, path.string) == 0 else {
            throw KernelError(call: "symlink(2)", object: path.string, errno: Errno(rawValue: errno))
        }
    }

    static func read(_ path: FilePath) throws -> String { String(decoding: try readFile(path, limit: 64 << 20), as: UTF8.self) }

    static func exists(_ path: FilePath) -> Bool {
        var status = stat()
        return lstat(path.string, &status) == 0
    }

    static func mode(_ path: FilePath) -> UInt32 {
        var status = stat()
        return lstat(path.string, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    /// The names in a directory, sorted; empty where there is none.
    static func names(_ path: FilePath) -> [String] {
        guard let directory = opendir(path.string) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
