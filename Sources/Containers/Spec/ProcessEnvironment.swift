// SPDX-License-Identifier: Apache-2.0

/// The environment of PID 1: exactly the image's and the request's variables, and the few that Docker adds. Nothing of the daemon's.
package enum ProcessEnvironment {
    package static let defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// - Parameters:
    ///   - image: `NAME=value` from the image config. An entry without a name or "=" sets nothing and is left out, as Docker does.
    ///   - request: `NAME=value`; replaces a variable of the same name in its place.
    ///   - home: the user's home directory, for an image and a request that set no HOME.
    /// - Throws: `ContainerError.invalidRequest` for an entry of the request that is not `NAME=value`, or a NUL anywhere.
    package static func resolve(
        image: [String], request: [String], hostname: String, home: String, tty: Bool
    ) throws(ContainerError) -> [String] {
        var variables = Variables()
        variables.set(defaultPath)
        variables.set("HOSTNAME=\(hostname)")
        if tty { variables.set("TERM=xterm") }
        for entry in image where Variables.isAssignment(entry) { variables.set(entry) }
        for entry in request {
            guard Variables.isAssignment(entry) else { throw .invalidRequest("environment entry \"\(entry)\" is not NAME=value") }
            variables.set(entry)
        }
        if !variables.has("HOME") { variables.set("HOME=\(home)") }
        guard !variables.entries.contains(where: { $0.utf8.contains(0) }) else {
            throw .invalidRequest("an environment variable holds a NUL byte")
        }
        return variables.entries
    }

    /// Whether HOME is neither the image's nor the request's.
    package static func hasNoHome(_ image: [String], _ request: [String]) -> Bool {
        !(image + request).contains { $0.hasPrefix("HOME=") }
    }

    /// The environment of a further process: the container's own, and the request's variables.
    /// - Parameter home: another user's, where the container's HOME was nobody's wish.
    package static func extend(
        _ own: [String], request: [String], tty: Bool, home: String?
    ) throws(ContainerError) -> [String] {
        var variables = Variables()
        for entry in own { variables.set(entry) }
        if let home { variables.set("HOME=\(home)") }
        if tty, !variables.has("TERM") { variables.set("TERM=xterm") }
        for entry in request {
            guard Variables.isAssignment(entry) else { throw .invalidRequest("environment entry \"\(entry)\" is not NAME=value") }
            guard !entry.utf8.contains(0) else { throw .invalidRequest("an environment variable holds a NUL byte") }
            variables.set(entry)
        }
        return variables.entries
    }

    /// Keeps the first place of each name. Names are bytes: strings that only look the same would be one as `String`s.
    private struct Variables {
        private(set) var entries: [String] = []
        private var places: [[UInt8]: Int] = [:]

        static func isAssignment(_ entry: String) -> Bool {
            guard let equals = entry.utf8.firstIndex(of: UInt8(ascii: "=")) else { return false }
            return equals != entry.utf8.startIndex
        }

        func has(_ name: String) -> Bool { places[Array(name.utf8)] != nil }

        mutating func set(_ entry: String) {
            let name = Array(entry.utf8.prefix { $0 != UInt8(ascii: "=") })
            if let place = places[name] {
                entries[place] = entry
            } else {
                places[name] = entries.count
                entries.append(entry)
            }
        }
    }
}
