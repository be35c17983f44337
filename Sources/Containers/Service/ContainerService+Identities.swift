// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Glibc
internal import Linux
internal import Logging
internal import Metadata
internal import SystemPackage

extension ContainerService {
    /// Gives a container that asks for a user namespace ids of its own. They go back where `body` fails, and with the container's row.
    func withIdentities<Value>(
        for id: ContainerID, _ request: CreateContainerRequest, _ caller: Caller?,
        _ body: (ContainerIdentities?) throws(ContainerError) -> Value
    ) throws(ContainerError) -> Value {
        guard let choice = request.isolation?.userNamespace, choice != .host else { return try body(nil) }
        try ContainerIdentities.check(request)
        let kept = choice == .keep ? try keptCaller(caller) : nil
        let available = try configuration.subordinateIDs.available()
        if let kept, let range = available.first(where: { Self.contains($0, kept) }) {
            throw .identities(
                "user \(kept.uid):\(kept.gid) is among the ids that containers are given, \(range.first) to \(range.end - 1)",
                remedy: "use --userns auto, or other ids for containers (`userns-range`)")
        }
        let range = try claim(for: id, of: available)
        do throws(ContainerError) {
            return try body(ContainerIdentities(range, keeping: kept))
        } catch {
            do throws(MetadataError) { try metadata.releaseIDs(of: id.text) } catch {
                logger.error(
                    "ids of a container that could not be created are free after the next start",
                    metadata: ["id": "\(id)", "error": "\(error)"])
            }
            throw error
        }
    }

    private func keptCaller(_ caller: Caller?) throws(ContainerError) -> Caller {
        guard let caller else {
            throw .invalidRequest("a user namespace that keeps its caller, and no caller", remedy: "use auto")
        }
        guard caller.uid != 0, caller.gid != 0 else {
            throw .invalidRequest(
                "a user namespace that keeps its caller, who is root: root in the container would be root on the node",
                remedy: "use --userns auto or host, or call as another user")
        }
        return caller
    }

    private static func contains(_ range: IDRange, _ caller: Caller) -> Bool {
        [caller.uid, caller.gid].contains { $0 >= range.first && UInt64($0) < range.end }
    }

    private func claim(for id: ContainerID, of available: [IDRange]) throws(ContainerError) -> IDRange {
        let range: IDRange?
        do throws(MetadataError) {
            range = try metadata.claimIDs(for: id.text, size: ContainerIdentities.size, of: available)
        } catch {
            throw .metadata(error)
        }
        StoreStep.identitiesClaimed.reach()
        if let range { return range }
        let places = available.map { "\($0.first) to \($0.end - 1)" }.joined(separator: ", ")
        throw .identities(
            "\(ContainerIdentities.size) free ids for a user namespace are not left of \(places)",
            remedy: "remove containers, or give \(SubordinateIDs.user) more in /etc/subuid and /etc/subgid, or set `userns-range`")
    }

    /// At the start, when it is known which containers there are. Of one that is not recorded and whose directory is left, processes may be there.
    func releaseLostIdentities() {
        do {
            let directory = configuration.state.appending("containers")
            let left = try openFile(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).entries(of: directory.string).map { name, _ in
                String(decoding: name, as: UTF8.self)
            }
            let freed = try metadata.releaseIDsWithoutContainer(keeping: Set(left))
            if !freed.isEmpty { logger.info("ids of creations that were not finished are free", metadata: ["containers": "\(freed)"]) }
        } catch {
            logger.error("ids of creations that were not finished are not freed", metadata: ["error": "\(error)"])
        }
    }
}
