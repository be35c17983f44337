// SPDX-License-Identifier: Apache-2.0

import APITypes
import CLinux
import Containers
import Glibc
import JSON
import Linux
import OCI
import SystemPackage
import Testing

/// A device's number is the node's own affair: after a restart of the machine another one may have its name.
@Suite(.asRoot, .busybox, .shim, .serialized) struct DeviceChangeTests {
    /// A node of a device, in the place of what is there.
    private func make(_ path: FilePath, _ kind: mode_t, _ major: UInt32, _ minor: UInt32) throws {
        _ = unlink(path.string)
        guard mknod(path.string, kind | 0o600, UInt(ctr_makedev(major, minor))) == 0 else {
            throw KernelError(call: "mknod(2)", object: path.string, errno: Errno(rawValue: errno))
        }
    }

    private func spec(_ container: Container) throws -> RuntimeSpec {
        try JSON.decode(RuntimeSpec.self, from: readFile(container.paths.spec))
    }

    private func rate(_ path: FilePath) -> ResourceRequest {
        var device = DeviceLimitRequest(path: path.string)
        device.readBytesPerSecond = 1 << 20
        device.writtenBytesPerSecond = 2 << 20
        var resources = ResourceRequest()
        resources.devices = [device]
        return resources
    }

    private func zero(_ path: FilePath) -> ResourceRequest {
        var resources = rate(path)
        resources.devices?[0].readBytesPerSecond = 0
        resources.devices?[0].writtenBytesPerSecond = 0
        return resources
    }

    @Test("a start gives the device that the path names now, and no other") func number() async throws {
        try await withNode { node in
            let path = node.base.appending("device")
            try make(path, S_IFCHR, 1, 11)
            let container = try await node.create(shell: "stat -c %t:%T /dev/mine; : < /dev/mine && echo open; ls /dev") {
                $0.isolation = IsolationRequest()
                $0.isolation?.devices = [DeviceRequest(source: path.string, target: "/dev/mine", access: "r")]
            }
            let before = try spec(container)
            #expect(before.linux?.devices?.map(\.minor) == [11])
            try make(path, S_IFCHR, 10, 237)
            let lines = try await node.output(container)
            #expect(lines.prefix(2) == ["a:ed", "open"], "the node and the rule are those of now")
            let after = try spec(container)
            #expect(after.linux?.devices?.map(\.minor) == [237])
            #expect(after.linux?.resources?.devices?.count == before.linux?.resources?.devices?.count, "the old rule has gone")
            #expect(after.linux?.resources?.devices?.contains { $0.minor == 11 } == false)
        }
    }

    @Test("a start without the device is refused, and says what to do") func gone() async throws {
        try await withNode { node in
            let path = node.base.appending("device")
            try make(path, S_IFCHR, 10, 237)
            let container = try await node.create(shell: "true") {
                $0.isolation = IsolationRequest()
                $0.isolation?.devices = [DeviceRequest(source: path.string, target: "/dev/mine")]
            }
            try unlinkFile(path)
            let error = await #expect(throws: ContainerError.self) { try await node.service.start(container) }
            #expect(error?.description.contains("\(path)") == true && error?.remedy?.contains("bring it back") == true)
            #expect(container.summary.state == .created)
            try make(path, S_IFCHR, 10, 237)
            #expect(try await node.output(container) == [])
        }
    }

    @Test("a rate is of the disk that the path names at the start; of one that is gone it can be taken away, and the rest be changed")
    func rates() async throws {
        try await withNode { node in
            let path = node.base.appending("disk")
            try make(path, S_IFBLK, 7, 0)
            let container = try await node.create(shell: "true") { $0.resources = rate(path) }
            #expect(try spec(container).linux?.resources?.blockIO?.throttleReadBpsDevice?.map(\.minor) == [0])
            try make(path, S_IFBLK, 7, 1)
            try await node.service.start(container)
            _ = try await node.service.wait(container, for: .shimGone)
            #expect(try spec(container).linux?.resources?.blockIO?.throttleReadBpsDevice?.map(\.minor) == [1])
            #expect(try spec(container).linux?.resources?.blockIO?.throttleWriteBpsDevice?.map(\.minor) == [1])

            try unlinkFile(path)
            let error = await #expect(throws: ContainerError.self) { try await node.service.start(container) }
            #expect(error?.remedy?.contains("rate of 0") == true, "\(error.map { "\($0)" } ?? "")")
            let now = try await node.service.update(container, ResourceRequest(pidsLimit: 33))
            #expect(now.pidsLimit == 33 && now.devices == rate(path).devices)
            await #expect(throws: ContainerError.self) { try await node.service.update(container, rate(path)) }
            let none = try await node.service.update(container, zero(path))
            #expect(none.devices == nil && none.pidsLimit == 33)
            try await node.service.start(container)
            _ = try await node.service.wait(container, for: .shimGone)
        }
    }
}
