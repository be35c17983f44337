// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import OCI
import SystemPackage

extension Container {
    /// One that was created and never started, of which nothing lies on a disk.
    static func unstarted(
        _ id: ContainerID = ContainerID(), name: String = "c", with request: CreateContainerRequest = CreateContainerRequest(image: "i")
    ) -> Container {
        let memo = ContainerMemo(
            name: name, request: request, resolvedDigest: .made("i"), manifestDigest: .made("m"), arguments: [], stopSignal: 15,
            stopTimeoutSeconds: 10, hostname: "h", createdAt: "", mounts: [], lowerDiffIDs: [], upperMode: .synced, cgroup: "")
        return Container(id: id, paths: ContainerPaths(root: "/r", state: "/s", id: id), memo: memo, layerIDs: [])
    }
}
