// SPDX-License-Identifier: Apache-2.0

import APITypes
import Client
import Testing

@Suite struct MountFieldTests {
    struct Case: Sendable {
        var text: String
        var mount: MountRequest
    }

    private static func bind(_ source: String, readOnly: Bool = false, _ options: [String] = []) -> MountRequest {
        MountRequest(type: .bind, source: source, target: "/in", readOnly: readOnly, options: options)
    }

    private static func tmpfs(readOnly: Bool = false, _ options: [String] = []) -> MountRequest {
        MountRequest(type: .tmpfs, target: "/in", readOnly: readOnly, options: options)
    }

    private static func image(_ source: String, _ subpath: String? = nil) -> MountRequest {
        var mount = MountRequest(type: .image, source: source, target: "/in", readOnly: true)
        mount.subpath = subpath
        return mount
    }

    @Test(
        "--mount takes fields in any order and in each of Docker's spellings",
        arguments: [
            Case(text: "type=bind,src=/src,dst=/in", mount: bind("/src")),
            Case(text: "target=/in,source=/src,type=bind", mount: bind("/src")),
            Case(text: "type=bind,source=/src,destination=/in,ro", mount: bind("/src", readOnly: true)),
            Case(text: "type=bind,source=/src,dst=/in,readonly", mount: bind("/src", readOnly: true)),
            Case(text: "type=bind,source=/src,dst=/in,readonly=true", mount: bind("/src", readOnly: true)),
            Case(text: "type=bind,source=/src,dst=/in,ro=0", mount: bind("/src")),
            Case(text: "type=bind,src=/src,dst=/in,bind-propagation=rslave", mount: bind("/src", ["rslave"])),
            Case(text: "type=bind,src=/src,dst=/in,bind-nonrecursive", mount: bind("/src", ["bind"])),
            Case(text: "type=bind,src=/src,dst=/in,bind-recursive=disabled", mount: bind("/src", ["bind"])),
            Case(text: "type=bind,src=/src,dst=/in,bind-recursive=enabled", mount: bind("/src")),
            Case(text: "type=bind,src=/src,dst=/in,idmap", mount: bind("/src", ["idmap"])),
            Case(text: "type=bind,src=/src,dst=/in,idmap=false", mount: bind("/src", ["noidmap"])),
            Case(text: "type=bind,src=./data,dst=/in", mount: bind("/home/me/data")),
            Case(text: "type=bind,\"src=/a,b\",dst=/in", mount: bind("/a,b")),
            Case(text: "type=bind,\"src=/a\"\"b\",dst=/in", mount: bind("/a\"b")),
            Case(text: "type=bind,src=/a=b,dst=/in", mount: bind("/a=b")),
            Case(text: "type=tmpfs,dst=/in", mount: tmpfs()),
            Case(text: "type=image,src=busybox:1,dst=/in", mount: image("busybox:1")),
            Case(text: "type=image,source=busybox@sha256:1,target=/in,ro,subpath=bin", mount: image("busybox@sha256:1", "bin")),
            Case(text: "type=image,src=b,dst=/in,image-subpath=usr/share", mount: image("b", "usr/share")),
            Case(text: "type=tmpfs,dst=/in,ro", mount: tmpfs(readOnly: true)),
            Case(text: "type=tmpfs,dst=/in,tmpfs-size=1.5m,tmpfs-mode=1770", mount: tmpfs(["size=1572864", "mode=1770"])),
        ])
    func fields(case it: Case) throws {
        #expect(try MountFlag.mount(it.text, workingDirectory: "/home/me") == it.mount)
    }

    @Test(
        "--mount refuses what it does not know, and what is missing, doubled or no value",
        arguments: [
            ("", "an empty field"), ("type=bind,,dst=/in", "an empty field"), ("dst=/in", "named volumes"),
            ("type=volume,dst=/in", "named volumes"), ("type=npipe,dst=/in", "no type \"npipe\""),
            ("type=bind,src=/src", "no absolute path in the container"), ("type=bind,src=/src,dst=in", "no absolute path"),
            ("type=bind,dst=/in", "no source"), ("type=bind,src=,dst=/in", "source has no value"),
            ("type=bind,src=data,dst=/in", "named volumes"), ("type=bind,src=/a,source=/b,dst=/in", "\"source\" is given twice"),
            ("type=bind,src=/a,dst=/in,ro,readonly", "\"readonly\" is given twice"),
            ("type=bind,src=/a,dst=/in,ro=maybe", "neither true nor false"),
            ("type=bind,src=/a,dst=/in,bind-propagation=up", "no propagation"),
            ("type=bind,src=/a,dst=/in,bind-recursive=readonly", "can't be had"),
            ("type=bind,src=/a,dst=/in,bind-nonrecursive,bind-recursive=enabled", "can't be had"),
            ("type=bind,src=/a,dst=/in,tmpfs-size=1m", "no option \"tmpfs-size\" for type=bind"),
            ("type=tmpfs,dst=/in,src=/a", "no option \"source\" for type=tmpfs"),
            ("type=image,dst=/in", "no image"), ("type=image,src=b,dst=/in,ro=false", "mounted read-only"),
            ("type=image,src=b,dst=/in,subpath=", "no value"), ("type=bind,src=/a,dst=/in,subpath=x", "no option \"subpath\""),
            ("type=tmpfs,dst=/in,tmpfs-size=big", "not a size"), ("type=tmpfs,dst=/in,tmpfs-mode=999", "tmpfs-mode"),
            ("type=bind,src=/a,dst=/in,consistency=cached", "no option \"consistency\""),
            ("type=bind,\"src=/a,dst=/in", "not closed"), ("type=bind,\"src=/a\"b,dst=/in", "behind a closing quote"),
            ("type=bind,src=/a,dst=/in,\u{1b}[2J", "\\x1b[2J"),
        ])
    func refused(text: String, word: String) throws {
        let error = try #require(throws: UsageError.self) { try MountFlag.mount(text, workingDirectory: "/") }
        #expect(error.message.contains(word))
        #expect(!error.message.unicodeScalars.contains("\u{1b}"))
    }
}
