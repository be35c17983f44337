// SPDX-License-Identifier: Apache-2.0

internal import Engine
internal import Glibc
internal import Logging

/// What the daemon was told, by its file and then by its flags. docs/configuration.md describes each one.
struct Settings {
    static let defaultRoot = "/var/lib/ctr-swift"
    static let defaultState = "/run/ctr-swift"
    static let defaultFile = "/etc/ctr-swift/config.toml"
    static let defaultGroup = "ctr-swift"

    var root = defaultRoot
    var state = defaultState
    /// nil: ctr-swift.sock in the state directory.
    var socket: String?
    /// A name or a number; nil: `ctr-swift` where that exists, else root's.
    var socketGroup: String?
    var logLevel = Logger.Level.info
    var cgroupParent: String?
    var maxLayers: Int?
    var reserveBytes: Int64?
    var reserveInodes: Int64?
    var keepBlobs: Bool?
    /// Percent; 0 or nil: images are never removed without being asked.
    var gcHigh: Int?
    var gcLow: Int?
    var gcMinAge: Int64?
    var reconcileInterval: Int64?
    var logMaxSize: Int64?
    var logMaxFiles: Int?
    /// First and number; nil: as /etc/subuid says.
    var usernsRange: NodeIDs?
    /// nil: beside the daemon, or in `../libexec/ctr-swift` from there.
    var shim: String?
    var plainHTTPRegistries: [String] = []
    var registryCertificates: [String: String] = [:]

    /// The flags that were given.
    mutating func apply(root: String?, state: String?, socket: String?, logLevel: String?, cgroupParent: String?) throws(StartError) {
        if let root { self.root = try Self.absolute(root) }
        if let state { self.state = try Self.absolute(state) }
        if let socket { self.socket = try Self.absolute(socket) }
        if let logLevel { self.logLevel = try Self.level(logLevel) }
        if let cgroupParent { self.cgroupParent = cgroupParent }
    }

    static func level(_ name: String) throws(StartError) -> Logger.Level {
        guard let level = Logger.Level(rawValue: name) else {
            let known = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw StartError("\"\(name)\" is not a log level", remedy: "use one of \(known)")
        }
        return level
    }

    /// What the engine is started with.
    func nodeConfiguration(_ logger: Logger) throws(StartError) -> NodeConfiguration {
        var node = NodeConfiguration(root: root, state: state, shimPath: try shimPath(), socketGroup: try group(logger))
        node.socketPath = socket ?? state + "/ctr-swift.sock"
        if let cgroupParent { node.cgroupParent = cgroupParent }
        if let maxLayers { node.maxLayers = maxLayers }
        if let reserveBytes { node.reserveBytes = reserveBytes }
        if let reserveInodes { node.reserveInodes = reserveInodes }
        if let keepBlobs { node.keepBlobs = keepBlobs }
        node.waterMarks = try waterMarks()
        if let reconcileInterval { node.reconcileSeconds = reconcileInterval }
        if let logMaxSize { node.logMaxSizeInBytes = logMaxSize }
        if let logMaxFiles { node.logMaxFiles = logMaxFiles }
        node.userNamespaceIDs = usernsRange
        node.insecureRegistries = plainHTTPRegistries
        node.registryCertificates = registryCertificates
        return node
    }

    private func waterMarks() throws(StartError) -> WaterMarks? {
        guard let high = gcHigh, high > 0 else {
            if gcLow != nil { throw StartError("gc-low without gc-high", remedy: "set gc-high, such as 85") }
            return nil
        }
        var marks = WaterMarks(highPercent: high, lowPercent: gcLow ?? max(0, high - 5))
        if let gcMinAge { marks.minimumAgeSeconds = gcMinAge }
        guard marks.lowPercent < high else { throw StartError("gc-low \(marks.lowPercent) is not below gc-high \(high)") }
        return marks
    }

    private static func absolute(_ path: String) throws(StartError) -> String {
        if path.hasPrefix("/") { return path }
        guard !path.isEmpty, let current = getcwd(nil, 0) else { throw StartError("\"\(path)\" is not a path") }
        defer { free(current) }
        return String(cString: current) + "/" + path
    }

    private func group(_ logger: Logger) throws(StartError) -> UInt32 {
        if let number = socketGroup.flatMap(UInt32.init) { return number }
        let name = socketGroup ?? Self.defaultGroup
        if let found = getgrnam(name) { return found.pointee.gr_gid }
        guard socketGroup == nil else {
            throw StartError("socket-group: there is no group \"\(name)\"", remedy: "groupadd --system \(name)")
        }
        logger.notice("there is no group \(name): only root can use the socket")
        return 0
    }

    private func shimPath() throws(StartError) -> String {
        let candidates: [String]
        if let shim {
            candidates = [shim]
        } else {
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
            let length = readlink("/proc/self/exe", &buffer, buffer.count)
            guard length > 0 else { throw StartError("/proc/self/exe can't be read", remedy: "mount /proc, or set `shim`") }
            let executable = String(decoding: buffer[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
            let directory = executable.prefix(upTo: executable.lastIndex(of: "/") ?? executable.startIndex)
            candidates = ["\(directory)/ctr-swift-shim", "\(directory)/../libexec/ctr-swift/ctr-swift-shim"]
        }
        guard let found = candidates.first(where: { access($0, X_OK) == 0 }) else {
            throw StartError("no shim at \(candidates.joined(separator: " or "))", remedy: "install ctr-swift-shim, or set `shim`")
        }
        return found
    }
}
