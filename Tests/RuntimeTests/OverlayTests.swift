// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct OverlayTests {
    enum Method: String, CaseIterable {
        case layers, options, automatic

        /// What this kernel has; layer by layer since Linux 6.7.
        static let here = allCases.filter { $0 != .layers || OverlayMount.supportsLowerdirAppend }
    }

    /// A stack in which every layer has one file of its own and one that all have; the lowest holds the tools.
    private func stack(
        _ bundle: TestBundle, count: Int, memory: Bool = false, volatile: Bool = false, method: Method, store: String = "store"
    ) throws {
        let store = bundle.path.appending(store)
        try command(["/bin/mkdir", "-p", store.string])
        var names: [String] = []
        for number in 0..<count {
            let name = String(number, radix: 36)
            try makeDirectory(store.appending(name), mode: 0o755)
            let directory = store.appending(name).appending("fs")
            if number == 0 {
                try renameFile(bundle.rootfs, to: directory)
            } else {
                try makeDirectory(directory, mode: 0o755)
            }
            try replaceFile(directory.appending("layer-\(number)"), with: [], mode: 0o644)
            try replaceFile(directory.appending("top"), with: Array("\(number)\n".utf8), mode: 0o644)
            names.insert("\(name)/fs", at: 0)
        }
        var file: [String: JSONValue] = [
            "store": .string(store.string), "lowerdirs": .array(names.map { .string($0) }), "method": .string(method.rawValue),
            "volatile": .bool(volatile),
        ]
        if !memory {
            for name in ["upper", "work"] {
                try makeDirectory(bundle.path.appending(name), mode: 0o755)
                file[name] = .string(bundle.path.appending(name).string)
            }
        }
        try replaceFile(bundle.path.appending("overlay.json"), with: JSON.encode(file))
        bundle.options = ["--overlay", bundle.path.appending("overlay.json").string]
    }

    @Test("both ways of mounting take as many layers as the ceiling allows", arguments: Method.here, [1, 2, 127, 500])
    func manyLayers(method: Method, count: Int) throws {
        let bundle = try TestBundle(shell: "cat /top; ls / | grep -c layer-; echo x > /written; stat -c %a /")
        try stack(bundle, count: count, method: method)
        let result = try bundle.run()
        #expect(result.lines == ["\(count - 1)", "\(count)", "755"], "\(result)")
        #expect(access(bundle.path.appending("upper/written").string, F_OK) == 0)
    }

    @Test("more layers than the kernel takes, or options longer than a page, are clear errors") func tooMany() throws {
        let bundle = try TestBundle()
        try stack(bundle, count: 501, method: .layers)
        #expect(try bundle.run().code == 125)
        let long = try TestBundle()
        try stack(long, count: 500, method: .options)
        // Absolute names instead of short relative ones.
        let path = long.path.appending("overlay.json")
        var file = try JSON.decode([String: JSONValue].self, from: readFile(path))
        file["lowerdirs"] = .array(
            (file["lowerdirs"]?.arrayValue ?? []).map {
                .string(long.path.appending("store").pushing(FilePath($0.stringValue ?? "")).string)
            })
        try replaceFile(path, with: JSON.encode(file))
        let result = try long.run()
        #expect(result.code == 125 && result.errors.contains("mount(2) takes 4096"), "\(result)")
    }

    @Test("a volatile upper skips the sync at unmount") func volatile() throws {
        let bundle = try TestBundle(shell: "grep ' / ' /proc/self/mounts | grep -c volatile")
        try stack(bundle, count: 2, volatile: true, method: .automatic)
        #expect(try bundle.run().lines == ["1"])
    }

    @Test("without an upper a tmpfs takes the writes") func memory() throws {
        let bundle = try TestBundle(shell: "echo x > /written && cat /written")
        try stack(bundle, count: 3, memory: true, method: .automatic)
        #expect(try bundle.run().lines == ["x"])
        #expect(access(bundle.path.appending("store/0/fs/written").string, F_OK) == -1)
    }

    @Test(
        "a store whose path holds separators mounts", arguments: Method.here.filter { $0 != .automatic },
        ["with:colon", "with,comma", "with\\back", "with space"])
    func oddPath(method: Method, name: String) throws {
        let bundle = try TestBundle(shell: "cat /top")
        try stack(bundle, count: 3, method: method, store: name)
        let path = bundle.path.appending("overlay.json")
        var file = try JSON.decode([String: JSONValue].self, from: readFile(path))
        for role in ["upper", "work"] {
            let odd = bundle.path.appending("\(role)-\(name)")
            try makeDirectory(odd, mode: 0o755)
            file[role] = .string(odd.string)
        }
        try replaceFile(path, with: JSON.encode(file))
        #expect(try bundle.run().lines == ["2"])
    }

    @Test("the state root may lie deep") func longPath() throws {
        let bundle = try TestBundle(shell: "cat /top")
        let deep = "d/" + Array(repeating: String(repeating: "x", count: 50), count: 5).joined(separator: "/")
        try stack(bundle, count: 127, method: .options, store: deep)
        #expect(try bundle.run().lines == ["126"])
    }

    @Test("the same directory twice is the kernel's refusal, told with its words") func repeated() throws {
        let bundle = try TestBundle()
        try stack(bundle, count: 2, method: .layers)
        let path = bundle.path.appending("overlay.json")
        var file = try JSON.decode([String: JSONValue].self, from: readFile(path))
        file["lowerdirs"] = .array([.string("0/fs"), .string("1/fs"), .string("0/fs")])
        try replaceFile(path, with: JSON.encode(file))
        let result = try bundle.run()
        #expect(result.code == 125 && result.errors.contains("mount-root"), "\(result)")
    }

    @Test("an upper that was volatile is told, and can be used again once its mark is forgotten") func volatileAgain() throws {
        let bundle = try TestBundle()
        try stack(bundle, count: 2, volatile: true, method: .automatic)
        #expect(try bundle.run().code == 0)
        let result = try bundle.run()
        #expect(result.code == 125 && result.errors.contains("mounted volatile before"), "\(result)")
        try OverlayMount.forgetVolatile(work: bundle.path.appending("work"))
        #expect(try bundle.run().code == 0)
        try OverlayMount.forgetVolatile(work: bundle.path.appending("work"))
        try OverlayMount.forgetVolatile(work: bundle.path.appending("work"))
    }

    @Test("after the container nothing is left mounted, in the state directory or in the cgroups") func nothingLeft() throws {
        let bundle = try TestBundle()
        try stack(bundle, count: 3, method: .automatic)
        #expect(try bundle.run().code == 0)
        #expect(try !MountInfo.all().contains { $0.mountPoint.contains(bundle.id) })
        #expect(access(bundle.state.appending(bundle.id).string, F_OK) == -1)
        for hierarchy in try CgroupLayout.detect().hierarchies {
            #expect(access("\(hierarchy.mountPoint)/ctr-swift-oci/\(bundle.id)", F_OK) == -1)
        }
    }
}
