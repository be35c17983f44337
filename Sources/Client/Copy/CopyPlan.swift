// SPDX-License-Identifier: Apache-2.0

/// Where a copy goes: Docker's rules for `cp`, which are those of cp(1) with one addition, `/.` for what is in a directory.
package struct CopyPlan: Sendable, Hashable {
    /// The directory, which must exist, that the archive is unpacked in.
    package var directory: String
    /// What the source is called there; nil: what is in it comes directly into the directory.
    package var name: String?

    /// The source, as it was written and as it is.
    package struct Source: Sendable, Hashable {
        /// Its last component.
        package var name: String
        package var isDirectory: Bool
        /// Written with `/.` at its end, or the root.
        package var wantsContents: Bool
        package init(name: String, isDirectory: Bool, wantsContents: Bool) {
            self.name = name
            self.isDirectory = isDirectory
            self.wantsContents = wantsContents
        }
    }

    /// What is at the destination, links followed.
    package enum Destination: Sendable, Hashable { case directory, other, nothing }

    /// - Parameter path: the destination, as it was written.
    /// - Throws: `UsageError` for what can't be.
    package init(_ source: Source, to path: String, _ destination: Destination) throws(UsageError) {
        let endsWithSlash = path.hasSuffix("/")
        switch destination {
        case .directory:
            directory = path
            name = source.isDirectory && source.wantsContents ? nil : source.name
        case .other:
            guard !source.isDirectory else { throw UsageError("\"\(path)\" is there and no directory: a directory can't take its place") }
            guard !endsWithSlash else { throw UsageError("\"\(path)\" is no directory") }
            (directory, name) = Self.split(path)
        case .nothing:
            guard source.isDirectory || !endsWithSlash else { throw UsageError("there is no directory \"\(path)\"") }
            (directory, name) = Self.split(path)
        }
        guard name.map({ $0 != "." && $0 != ".." && !$0.isEmpty }) ?? true else { throw UsageError("\"\(path)\" names no file") }
    }

    /// The directory and the last component: "a/b/" is b in a.
    package static func split(_ path: String) -> (directory: String, name: String?) {
        let parts = path.utf8.split(separator: UInt8(ascii: "/"))
        guard let last = parts.last else { return (path.hasPrefix("/") ? "/" : ".", nil) }
        let parent = parts.dropLast().map { String(Substring($0)) }.joined(separator: "/")
        return ((path.hasPrefix("/") ? "/" : "") + (parent.isEmpty && !path.hasPrefix("/") ? "." : parent), String(Substring(last)))
    }

    /// Whether a path asks for what is in a directory.
    package static func wantsContents(_ path: String) -> Bool {
        path.hasSuffix("/.") || path == "." || path.allSatisfy { $0 == "/" } && !path.isEmpty
    }
}

/// One side of a copy: `name:path`, a path of the host, or `-`.
package enum CopyPlace: Sendable, Hashable {
    case container(String, path: String)
    case host(String)
    /// A tar on stdin or stdout.
    case stream

    /// A path of the host that has a colon is written with a slash before it: `./a:b`.
    package init(_ text: String) throws(UsageError) {
        if text == "-" {
            self = .stream
            return
        }
        guard !text.isEmpty else { throw UsageError("an empty path") }
        guard let colon = text.firstIndex(of: ":"), !text.hasPrefix("/"), !text.hasPrefix("."), !text[..<colon].contains("/") else {
            self = .host(text)
            return
        }
        let path = String(text[text.index(after: colon)...])
        guard !path.isEmpty, colon != text.startIndex else {
            throw UsageError(
                "\"\(text)\" names no path in a container", remedy: "write it as CONTAINER:/path; a file of the host as ./\(text)")
        }
        // As Docker reads it: from the root on.
        self = .container(String(text[..<colon]), path: path.hasPrefix("/") ? path : "/" + path)
    }
}
