// SPDX-License-Identifier: Apache-2.0

public import APITypes
internal import Containers
internal import Glibc
internal import Linux
internal import Metadata
internal import SystemPackage

extension NodeRuntime {
    /// This project's version; also in docs/api/openapi.yaml.
    public static let versionNumber = "0.1.0"

    public func version() -> VersionResponse {
        let names = SystemNames()
        return VersionResponse(
            version: Self.versionNumber, api: "v1", swift: Self.compiler, os: "linux", architecture: names.machine,
            kernel: names.release)
    }

    public func info() async throws(EngineError) -> InfoResponse {
        let root = FilePath(configuration.root)
        let statistics: FilesystemStatistics
        let layout: CgroupLayout
        do throws(KernelError) {
            (statistics, layout) = try await pool.run { () throws(KernelError) in
                (try filesystemStatistics(root), try CgroupLayout.detect())
            }
        } catch {
            throw EngineError(.internal, "look at \(root): \(error)")
        }
        let all = containers.list(all: true)
        return InfoResponse(
            root: configuration.root, state: configuration.state, socket: configuration.socketPath, filesystem: statistics.typeName,
            cgroups: layout.isPureV2 ? "v2" : layout.unified == nil ? "v1" : "hybrid", cgroupParent: configuration.cgroupParent,
            overlayMount: OverlayMount.supportsLowerdirAppend ? "lowerdir+" : "mount(2)", maxLayers: configuration.maxLayers,
            reserveBytes: configuration.reserveBytes, reserveInodes: configuration.reserveInodes,
            freeBytes: Int64(clamping: statistics.freeBytes), freeInodes: Int64(clamping: statistics.freeInodes),
            images: try await images().count, containers: all.count, running: all.count { $0.state.isLive },
            seccomp: true, damagedLayers: try await damagedLayers(), version: version())
    }

    private func damagedLayers() async throws(EngineError) -> [String] {
        let metadata = metadata
        do throws(MetadataError) {
            return try await pool.run { () throws(MetadataError) in try metadata.damagedLayers().map(\.key.text) }
        } catch {
            throw EngineError(.internal, "\(error)", remedy: error.remedy)
        }
    }

    /// What happens from now on.
    public func events() -> AsyncStream<Event> { eventHub.subscribe() }

    private static var compiler: String {
        #if compiler(>=6.4)
        "6.4 or later"
        #elseif compiler(>=6.3)
        "6.3"
        #else
        "6.2"
        #endif
    }
}
