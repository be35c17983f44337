// SPDX-License-Identifier: Apache-2.0

import JSON
import OCI
import Testing

/// Source: runtime-spec 1.2, config.md and config-linux.md.
@Suite struct RuntimeSpecTests {
    private func spec(_ text: String) throws(JSONError) -> RuntimeSpec { try JSON.decode(RuntimeSpec.self, from: Array(text.utf8)) }

    @Test("a spec is written with all that was read", arguments: [RuntimeSpecs.runc, RuntimeSpecs.complete])
    func roundTrip(_ text: String) throws {
        let spec = try spec(text)
        let written = try JSON.encode(spec)
        #expect(try JSON.parse(written) == JSON.parse(Array(text.utf8)))
        #expect(try JSON.decode(RuntimeSpec.self, from: written) == spec)
        #expect(try JSON.encode(JSON.decode(RuntimeSpec.self, from: JSON.encode(spec, .pretty))) == written)
    }

    @Test("runc's default spec says what runc does") func runc() throws {
        let spec = try spec(RuntimeSpecs.runc)
        #expect(spec.process?.args == ["sh"])
        #expect(spec.process?.user == RuntimeSpec.User())
        #expect(spec.process?.noNewPrivileges == true)
        #expect(spec.process?.rlimits == [RuntimeSpec.Rlimit(type: "RLIMIT_NOFILE", hard: 1024, soft: 1024)])
        #expect(spec.root == RuntimeSpec.Root(path: "rootfs", readonly: true))
        #expect(spec.mounts?.first == RuntimeSpec.Mount(destination: "/proc", type: "proc", source: "proc"))
        #expect(spec.linux?.namespaces?.map(\.type).prefix(5) == ["pid", "network", "ipc", "uts", "mount"])
        #expect(spec.linux?.resources?.devices == [RuntimeSpec.Linux.DeviceCgroup(allow: false, access: "rwm")])
    }

    @Test("numbers keep their whole range") func ranges() throws {
        let spec = try spec(RuntimeSpecs.complete)
        #expect(spec.process?.rlimits?.first?.hard == .max)
        #expect(spec.linux?.seccomp?.syscalls?.first?.args?.first?.value == .max)
        #expect(spec.linux?.resources?.memory?.swap == .max)
        #expect(spec.linux?.resources?.devices?.last?.minor == -1)
        #expect(spec.linux?.uidMappings?.first?.size == .max)
    }

    @Test("a process needs no user and no arguments: an exec or a bundle may give them") func leastProcess() throws {
        let process = try JSON.decode(RuntimeSpec.Process.self, from: Array(#"{"cwd":"/"}"#.utf8))
        #expect(process.args == [])
        #expect(process.user == RuntimeSpec.User())
        let nulls = #"{"cwd":"/","args":null,"user":null,"env":null,"capabilities":null,"rlimits":null}"#
        #expect(try JSON.decode(RuntimeSpec.Process.self, from: Array(nulls.utf8)) == process)
    }

    @Test("members of later versions are passed over") func laterMembers() throws {
        let text = RuntimeSpecs.runc.replacing(#""hostname": "runc""#, with: #""hostname": "runc", "vm": {"x": 1}, "later": [null]"#)
        try #require(text != RuntimeSpecs.runc)
        #expect(try spec(text) == spec(RuntimeSpecs.runc))
    }

    @Test(
        "a value of another type, or out of range, is refused with its place",
        arguments: [
            (#""ociVersion": "1.2.0""#, #""ociVersion": 1"#, "ociVersion"), (#""ociVersion": "1.2.0","#, "", ""),
            (#""cwd": "/","#, "", "process"), (#""uid": 1000"#, #""uid": 4294967296"#, "process.user.uid"),
            (#""uid": 1000"#, #""uid": -1"#, "process.user.uid"), (#""gid": 4294967294"#, #""gid": "0""#, "process.user.gid"),
            (#""additionalGids": [5, 6]"#, #""additionalGids": [5, 6.0]"#, "process.user.additionalGids[1]"),
            (#""hard": 18446744073709551615"#, #""hard": 18446744073709551616"#, "process.rlimits[0].hard"),
            (#""args": ["sh", "-c", "true"]"#, #""args": ["sh", 1]"#, "process.args[1]"),
            (#""domainname": "d""#, #""domainname": []"#, "domainname"),
            (#""swap": 9223372036854775807"#, #""swap": 9223372036854775808"#, "linux.resources.memory.swap"),
            (#""minor": -1"#, #""minor": true"#, "linux.resources.devices[1].minor"),
            (#""weight": 1000"#, #""weight": 65536"#, "linux.resources.blockIO.weight"),
            (#""path": "rootfs""#, #""path": null"#, "root.path"), (#""destination": "/m","#, "", "mounts[0]"),
            (#""net.ipv4.ip_forward": "1""#, #""net.ipv4.ip_forward": 1"#, "linux.sysctl.net.ipv4.ip_forward"),
        ])
    func refused(_ good: String, _ bad: String, _ place: String) throws {
        let text = RuntimeSpecs.complete.replacing(good, with: bad, maxReplacements: 1)
        try #require(text != RuntimeSpecs.complete)
        let error = #expect(throws: JSONError.self) { try spec(text) }
        #expect(error?.place == place)
    }
}
