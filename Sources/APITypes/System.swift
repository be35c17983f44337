// SPDX-License-Identifier: Apache-2.0

/// `GET /v1/version`.
public struct VersionResponse: Codable, Sendable, Hashable {
    public var version: String
    public var api: String
    public var swift: String
    public var os: String
    public var architecture: String
    public var kernel: String
    public init(version: String, api: String, swift: String, os: String, architecture: String, kernel: String) {
        self.version = version
        self.api = api
        self.swift = swift
        self.os = os
        self.architecture = architecture
        self.kernel = kernel
    }
}

/// `GET /v1/info`: where things are, what this kernel offers, and the limits in force.
public struct InfoResponse: Codable, Sendable, Hashable {
    public var root: String
    public var state: String
    public var socket: String
    public var filesystem: String
    /// `v1`, `v2` or `hybrid`.
    public var cgroups: String
    public var cgroupParent: String
    /// `lowerdir+` (fsconfig) or `mount(2)`.
    public var overlayMount: String
    public var maxLayers: Int
    public var reserveBytes: Int64
    public var reserveInodes: Int64
    public var freeBytes: Int64
    public var freeInodes: Int64
    public var images: Int
    public var containers: Int
    public var running: Int
    public var seccomp: Bool
    /// Diff IDs and, behind `fixup:`, chain IDs of layers in which a check has found damage; nil from a daemon that does not tell.
    public var damagedLayers: [String]?
    public var version: VersionResponse
    public init(
        root: String, state: String, socket: String, filesystem: String, cgroups: String, cgroupParent: String, overlayMount: String,
        maxLayers: Int, reserveBytes: Int64, reserveInodes: Int64, freeBytes: Int64, freeInodes: Int64, images: Int, containers: Int,
        running: Int, seccomp: Bool,
        damagedLayers: [String]? = nil, version: VersionResponse
    ) {
        self.root = root
        self.state = state
        self.socket = socket
        self.filesystem = filesystem
        self.cgroups = cgroups
        self.cgroupParent = cgroupParent
        self.overlayMount = overlayMount
        self.maxLayers = maxLayers
        self.reserveBytes = reserveBytes
        self.reserveInodes = reserveInodes
        self.freeBytes = freeBytes
        self.freeInodes = freeInodes
        self.images = images
        self.containers = containers
        self.running = running
        self.seccomp = seccomp
        self.damagedLayers = damagedLayers
        self.version = version
    }
}

/// `GET /v1/events`: one line per event, from now on.
public struct Event: Codable, Sendable, Hashable {
    /// RFC 3339 with nanoseconds, UTC.
    public var time: String
    /// `container` or `image`.
    public var type: String
    /// container: `create`, `start`, `die`, `oom`, `kill`, `stop`, `pause`, `unpause`, `update`, `remove`, `health`, `restart`, `restart-failed`, `rename`, `signal-unheard`,
    /// `warning`, `exec_start`, `exec_die`. image: `pull`, `load`, `untag`, `delete`, `pin`, `unpin`.
    public var action: String
    public var id: String
    public var attributes: [String: String]
    public init(time: String, type: String, action: String, id: String, attributes: [String: String]) {
        self.time = time
        self.type = type
        self.action = action
        self.id = id
        self.attributes = attributes
    }
}
