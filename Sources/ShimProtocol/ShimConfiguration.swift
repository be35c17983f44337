// SPDX-License-Identifier: Apache-2.0

/// What the engine tells a shim about its container, beside the OCI bundle: `<state>/containers/<id>/shim.json`.
///
/// The bundle's `config.json` says *what* runs and stays readable for any OCI runtime; this file says how this project
/// mounts its root, keeps its log and talks.
package struct ShimConfiguration: Codable, Sendable, Hashable {
    package var id: String
    /// The directory of `config.json`.
    package var bundle: String
    /// `<state>/containers/<id>`: shim.sock, exit.json, rootfs/.
    package var stateDirectory: String
    package var rootfs: Rootfs
    package var tty: Bool
    package var terminalSize: Size?
    package var openStdin: Bool
    /// Output waits for a first client, at most ten seconds, instead of being drained.
    package var expectsAttach: Bool
    /// A directory for the container log; nil keeps none.
    package var logDirectory: String?
    /// nil: as `LogLimits()` has it.
    package var logLimits: LogLimits?
    /// The compiled seccomp program (array of `struct sock_filter`), made by the engine; nil: compile from the spec.
    package var seccompProgram: String?
    /// The group that may connect to shim.sock.
    package var socketGroup: UInt32
    /// nil: all namespaces are as config.json says.
    package var sharedNamespaces: SharedNamespaces?

    /// Namespaces of running containers that this one enters at this start, by the place of their descriptor among those that `begin` brings, from 0.
    /// The engine has looked that they are whose they should be; config.json has new ones in their place.
    package struct SharedNamespaces: Codable, Sendable, Hashable {
        /// By the spec's word for the kind: `pid`, `ipc`, `uts`, `cgroup`, `network`, `user`.
        package var places: [String: Int]
        /// The mount namespace whose /dev/shm comes along with `ipc`.
        package var sharedMemory: Int?
        package init(places: [String: Int], sharedMemory: Int?) {
            self.places = places
            self.sharedMemory = sharedMemory
        }
    }
    /// nil: nobody asks for it.
    package var health: ShimHealth?

    package struct Size: Codable, Sendable, Hashable {
        package var rows: UInt16
        package var columns: UInt16
        package init(rows: UInt16, columns: UInt16) {
            self.rows = rows
            self.columns = columns
        }
    }

    /// The overlay to mount at `<stateDirectory>/rootfs`, inside the container's own mount namespace.
    package struct Rootfs: Codable, Sendable, Hashable {
        /// The directory that the lowerdirs are relative to: `<root>/layers`.
        package var store: String
        /// From the uppermost down, each once: `a7/fs`.
        package var lowerdirs: [String]
        /// nil: a tmpfs holds upper and work.
        package var upper: String?
        package var work: String?
        package var volatile: Bool
        /// Of the tmpfs; nil: the kernel's, half of the memory.
        package var memorySizeInBytes: UInt64?
        package var memoryInodes: UInt64?
        package init(
            store: String, lowerdirs: [String], upper: String?, work: String?, volatile: Bool, memorySizeInBytes: UInt64? = nil,
            memoryInodes: UInt64? = nil
        ) {
            self.store = store
            self.lowerdirs = lowerdirs
            self.upper = upper
            self.work = work
            self.volatile = volatile
            self.memorySizeInBytes = memorySizeInBytes
            self.memoryInodes = memoryInodes
        }
    }

    package init(
        id: String, bundle: String, stateDirectory: String, rootfs: Rootfs, tty: Bool, terminalSize: Size?, openStdin: Bool,
        expectsAttach: Bool, logDirectory: String?, logLimits: LogLimits? = nil, seccompProgram: String?, socketGroup: UInt32,
        health: ShimHealth? = nil
    ) {
        self.id = id
        self.bundle = bundle
        self.stateDirectory = stateDirectory
        self.rootfs = rootfs
        self.tty = tty
        self.terminalSize = terminalSize
        self.openStdin = openStdin
        self.expectsAttach = expectsAttach
        self.logDirectory = logDirectory
        self.logLimits = logLimits
        self.seccompProgram = seccompProgram
        self.socketGroup = socketGroup
        self.health = health
    }
}
