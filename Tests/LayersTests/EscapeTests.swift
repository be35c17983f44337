// SPDX-License-Identifier: Apache-2.0

import Glibc
import Layers
import Linux
import SystemPackage
import Tar
import Testing

/// Layers that try to reach what lies beside their directory. A canary tree stands there: nothing of it may change, nothing of it may be read
/// into a layer, be it in one layer or with links that a lower layer brought.
@Suite(.asRoot) struct EscapeTests {
    struct Attack: CustomTestStringConvertible, Sendable {
        var testDescription: String
        /// From the lowest up, given the canary's absolute path.
        var layers: @Sendable (_ canary: String) -> [[Member]]

        init(_ name: String, _ layers: @escaping @Sendable (String) -> [[Member]]) {
            testDescription = name
            self.layers = layers
        }
    }

    private static let up = String(repeating: "../", count: 24)

    /// What is written by a name that leads out, by each kind of entry.
    private static func entries(at path: String, _ canary: String) -> [Member] {
        [
            .file("\(path)/new", "owned"), .file("\(path)/secret", "owned"), .directory("\(path)/dir", mode: 0o777),
            .directory("\(path)", mode: 0o777), .symlink("\(path)/s", "/etc/passwd"), .hardLink("\(path)/h", "\(path)/secret"),
            .fifo("\(path)/fifo"), .character("\(path)/null", 1, 3), .whiteout("\(path)/secret"), .opaque(path),
        ]
    }

    /// Each entry alone, behind some others.
    private static func each(_ name: String, behind: [[Member]] = [[]], at path: @escaping @Sendable (String) -> String) -> [Attack] {
        (0..<10).map { index in
            Attack("\(name), entry \(index)") { canary in
                behind.dropLast() + [(behind.last ?? []) + [entries(at: path(canary), canary)[index]]]
            }
        }
    }

    private static func behindLink(_ name: String, _ links: @escaping @Sendable (String) -> [Member], at path: String) -> [Attack] {
        (0..<10).flatMap { index in
            [
                Attack("\(name), entry \(index), one layer") { canary in [links(canary) + [entries(at: path, canary)[index]]] },
                Attack("\(name), entry \(index), two layers") { canary in [links(canary), [entries(at: path, canary)[index]]] },
            ]
        }
    }

    static let attacks: [Attack] =
        each("leading dots") { up + $0.dropFirst() } + each("absolute") { $0 } + each("dots in the middle") { "a/b/\(up)\($0)" }
        + each("dots behind a file's name") { ".\($0)/dir/.." }
        + behindLink("absolute link", { [.symlink("out", $0)] }, at: "out")
        + behindLink("relative link", { [.symlink("out", up + $0.dropFirst())] }, at: "out")
        + behindLink("link to the parent", { _ in [.directory("d"), .symlink("d/out", "../../canary")] }, at: "d/out")
        + behindLink("chain", { _ in [.symlink("one", ".."), .symlink("two", "one/.."), .symlink("out", "two/../canary")] }, at: "out")
        + behindLink("nested chain", { [.symlink("a", "/"), .symlink("b", "a/\(up)"), .symlink("out", "b\($0)")] }, at: "out")
        + behindLink("link in a merged directory", { [.directory("usr"), .symlink("usr/lib", $0)] }, at: "usr/lib")
        + behindLink("a hard link to a link", { [.symlink("s", $0), .hardLink("out", "s")] }, at: "out")
        + [
            Attack("a hard link to an absolute name") { [[.hardLink("h", "\($0)/secret")]] },
            Attack("a hard link to leading dots") { [[.hardLink("h", "\(up)\($0)/secret")]] },
            Attack("a hard link through a link") { [[.symlink("out", $0), .hardLink("h", "out/secret")]] },
            Attack("a hard link through a lower link") { [[.symlink("out", $0)], [.hardLink("h", "out/secret")]] },
            Attack("a hard link to the host's passwd") { _ in [[.hardLink("h", "/etc/passwd")]] },
            Attack("the content of a link") { [[.symlink("s", "\($0)/secret"), .file("s", "owned")]] },
            Attack("the content of a hard link to a link") { [[.symlink("s", "\($0)/secret"), .hardLink("h", "s"), .file("h", "owned")]] },
            Attack("the mode of a hard link to a link") {
                [[.symlink("s", "\($0)/secret"), Member.hardLink("h", "s").with { ($0.mode, $0.uid) = (0o6777, 1) }]]
            },
            Attack("the mode of a directory that is a link") { [[.symlink("d", $0), .directory("d", mode: 0o777)]] },
            Attack("the mode of a directory that is a lower link") { [[.symlink("d", $0)], [.directory("d", mode: 0o777)]] },
            Attack("attributes of a link's target") {
                [[Member.symlink("s", "\($0)/secret").with { $0.attributes = [.init(key: Array("trusted.a".utf8), value: [1])] }]]
            },
            Attack("a link swapped between two entries") {
                [[.directory("d"), .file("d/a"), .symlink("d", $0), .file("d/new", "owned"), .directory("d"), .file("d/b")]]
            },
            Attack("a directory that becomes a link while it is open") {
                [[.file("d/a"), .file("d/b"), .symlink("d", $0), .file("d/secret", "owned"), .hardLink("x", "d/secret")]]
            },
            Attack("the root as a file") { _ in [[.file("/", "owned")]] },
            Attack("the root as a link") { [[.symlink("./", $0), .file("new", "owned")]] },
            Attack("the parent as a file") { _ in [[.file("..", "owned")]] },
            Attack("the root's mode, by dots") { _ in [[.directory("..", mode: 0o700), .directory("../canary/..", mode: 0o700)]] },
        ]

    @Test("nothing outside a layer's directory is changed, read or linked", arguments: attacks)
    func contained(attack: Attack) throws {
        try withDirectory(inMemory: true) { directory in
            let canary = try makeDirectory(directory.appending("canary"))
            let layers = attack.layers(canary.string)
            _ = try extract(
                [
                    .file("secret", "the canary's secret", mode: 0o400), .directory("dir", mode: 0o700),
                    .file("dir/inner", "the canary's secret"),
                ],
                into: canary)
            let before = try list(canary)
            let outside = try openFile(directory, O_RDONLY | O_DIRECTORY).status()
            do {
                let tree = try Stack(try makeDirectory(directory.appending("store")), layers).merged()
                let secret = Array("the canary's secret".utf8)
                #expect(tree.allSatisfy { $0.value.content != secret })
                #expect(tree.values.allSatisfy { !$0.content.starts(with: Array("root:".utf8)) })
            } catch is LayerError {}
            #expect(try list(canary) == before)
            let after = try openFile(directory, O_RDONLY | O_DIRECTORY).status()
            #expect(after.permissions == outside.permissions)
            #expect(try openFile(directory, O_RDONLY | O_DIRECTORY).entries(of: "").count == 2)
        }
    }

    @Test(
        "names with dots and slashes are those that are left within the root",
        arguments: [
            ("../../x", "x"), ("/abs/x", "abs/x"), ("a/../x", "x"), ("a/../../b/./x", "b/x"), ("//x", "x"), ("./x", "x"),
            ("..two/x", "..two/x"),
            ("...", "..."), (".x", ".x"),
        ])
    func names(name: String, place: String) throws {
        try withDirectory(inMemory: true) { directory in
            _ = try extract([.file(name, "content")], into: directory)
            let tree = try list(directory)
            #expect(tree[place]?.content == Array("content".utf8))
            #expect(tree.values.count { $0.kind == .regular } == 1)
        }
    }

    @Test("links that lead to the root of the image, or above it, end at the image's root")
    func linksWithin() throws {
        let tree = try merge(
            [.directory("etc"), .symlink("localetc", "/etc"), .file("localetc/one", "1"), .symlink("above", "../../../../etc")],
            [.file("localetc/two", "2"), .file("above/three", "3")])
        #expect(tree["etc/one"]?.content == Array("1".utf8))
        #expect(tree["etc/two"]?.content == Array("2".utf8))
        #expect(tree["etc/three"]?.content == Array("3".utf8))
        #expect(tree["localetc"]?.kind == .symlink)
        #expect(tree["above"]?.kind == .symlink)
    }

    @Test("a hard link to a link is a second name of the link: its target keeps its mode")
    func linkedLink() throws {
        let tree = try merge(
            [.file("target", "t", mode: 0o400), .symlink("s", "target"), Member.hardLink("h", "s").with { ($0.mode, $0.uid) = (0o777, 7) }])
        #expect(tree["h"]?.kind == .symlink)
        #expect(tree["h"]?.sameAs == tree["s"]?.sameAs)
        #expect(tree["target"]?.mode == 0o400)
        #expect(tree["target"]?.uid == 0)
    }
}
