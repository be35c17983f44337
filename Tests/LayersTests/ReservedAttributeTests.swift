// SPDX-License-Identifier: Apache-2.0

import Foundation
import Layers
import SystemPackage
import Tar
import Testing

/// overlayfs takes orders from extended attributes; a layer must not give any.
@Suite(.asRoot, .overlay) struct ReservedAttributeTests {
    private static let orders: [(key: String, value: String)] = [
        ("opaque", "y"), ("opaque", "x"), ("redirect", "/private"), ("redirect", "private"), ("metacopy", ""), ("whiteout", ""),
        ("origin", "x"),
        ("impure", "y"), ("nlink", "U+9"), ("upper", "x"), ("uuid", "x"), ("protattr", "i"), ("overlay.opaque", "y"), ("verity", "x"),
    ]

    private let base: [Member] = [
        .directory("private", mode: 0o700), .file("private/secret", "secret"), .directory("loot"), .file("loot/visible", "v"),
        .file("file", "whole"),
    ]

    private func expectHarmless(_ tar: [UInt8], _ comment: Comment) throws {
        try withDirectory { directory in
            var stack = try Stack(directory, [base])
            try stack.add(tar)
            let layer = try list(stack.layers[1].directory)
            #expect(layer.values.allSatisfy { $0.attributes.isEmpty }, comment)
            let tree = try stack.merged()
            #expect(tree.keys.sorted() == ["", "file", "loot", "loot/visible", "private", "private/secret"], comment)
            #expect(tree["file"]?.content == Array("new".utf8), comment)
        }
    }

    @Test("orders to overlayfs are not kept", arguments: orders.indices)
    func dropped(index: Int) throws {
        let (key, value) = Self.orders[index]
        for space in ["trusted.overlay.", "user.overlay."] {
            let attributes = [TarEntry.Attribute(key: Array("\(space)\(key)".utf8), value: Array(value.utf8))]
            let members: [Member] = [.directory("."), .directory("loot"), .file("file", "new")]
            try expectHarmless(archive(members.each { $0.attributes = attributes }), "\(space)\(key)=\(value)")
        }
    }

    @Test("nor in libarchive's spelling of the record, with a name in %-digits and a value in base 64")
    func encoded() throws {
        for key in ["trusted.overlay.opaque", "trusted%2Eoverlay%2eopaque", "user.overlay.opaque", "%75ser.overlay.opaque"] {
            let program = """
                import io, sys, tarfile
                archive = tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=tarfile.PAX_FORMAT)
                def add(name, type, data=b''):
                    info = tarfile.TarInfo(name)
                    info.type, info.size, info.mode = type, len(data), 0o755
                    info.pax_headers = {'LIBARCHIVE.xattr.' + sys.argv[1]: 'eQ=='}
                    archive.addfile(info, io.BytesIO(data))
                add('loot', tarfile.DIRTYPE)
                add('file', tarfile.REGTYPE, b'new')
                archive.close()
                """
            try expectHarmless(run(["python3", "-c", program, key]), "\(key)")
        }
    }
}
