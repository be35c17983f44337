// SPDX-License-Identifier: Apache-2.0

import Layers
import Linux
import SystemPackage
import Testing

/// Second opinions.
@Suite(.asRoot) struct ToolTests {
    private static let tree = """
        import os, stat
        os.umask(0)
        def times(path, seconds, nanoseconds): os.utime(path, ns=(0, seconds * 10**9 + nanoseconds), follow_symlinks=False)
        os.mkdir('tree'); os.chdir('tree')
        for index, mode in enumerate([0o644, 0o4755, 0o2755, 0o1777, 0o000, 0o7777]):
            name = 'file%d' % index
            open(name, 'wb').write(os.urandom(index * 700))
            os.chown(name, index * 1000, index)
            os.chmod(name, mode)
            os.link(name, 'second%d' % index)
        os.makedirs('a/b/c/d', 0o750)
        os.chmod('a/b', 0o1777); os.chown('a/b', 65534, 100000)
        open('a/b/c/d/' + 'n' * 200, 'w').write('long')
        open(b'a/\\xff\\n', 'w').write('odd')
        os.symlink('../nowhere', 'a/link'); os.lchown('a/link', 5, 6)
        os.symlink('t' * 300, 'a/long')
        os.mkfifo('fifo', 0o620)
        os.mknod('null', stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod('loop', stat.S_IFBLK | 0o660, os.makedev(7, 200))
        os.setxattr('file1', 'security.capability', bytes([1, 0, 0, 2, 0, 0x20] + [0] * 14))
        os.setxattr('a', 'user.name', b'va\\x00lue')
        os.setxattr('a/b', 'trusted.name', b'')
        for place, (_, names, files) in enumerate(os.walk('.', topdown=False)): pass
        for base, names, files in os.walk('.', topdown=False):
            for name in names + files: times(os.path.join(base, name), SECONDS)
        times('.', SECONDS)
        """

    @Test(
        "a tree that GNU tar has packed comes out as it was",
        arguments: [
            (["--format=gnu"], "1700000000, 0"), (["--format=pax", "--xattrs", "--xattrs-include=*"], "1700000000, 123456789"),
            (["--format=pax", "--xattrs", "--xattrs-include=*"], "-5, 7"), (["--format=gnu", "--no-recursion"], "1, 0"),
        ] as [([String], String)])
    func gnuTar(options: [String], seconds: String) throws {
        try withDirectory { directory in
            try run(["python3", "-c", Self.tree.replacing("SECONDS", with: seconds)], in: directory)
            // From the last name back: parents come behind what is in them.
            let names = options.contains("--no-recursion") ? "--null -T -" : "."
            let tar = try run(
                ["sh", "-c", "cd tree; find . -mindepth 1 -print0 | sort -rz | tar -c \(options.joined(separator: " ")) \(names)"],
                in: directory)
            let place = try makeDirectory(directory.appending("layer"))
            let facts = try extract(tar, into: place)
            var expected = try list(directory.appending("tree"))
            if options.contains("--no-recursion") {
                // Its root is not in the archive.
                expected[""] = try list(place)[""]
                #expect(facts.implied == [LayerPath([])])
            }
            if !options.contains("--xattrs") { expected = expected.mapValues { Self.withoutAttributes($0) } }
            expectSame(expected, try list(place))
            #expect(facts.warnings == [])
        }
    }

    private static func withoutAttributes(_ object: Object) -> Object {
        var object = object
        object.attributes = [:]
        return object
    }
}
