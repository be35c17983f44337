// SPDX-License-Identifier: Apache-2.0

import Foundation
import Linux
import OCI
import SystemPackage
import TestSupport
import Testing

/// Images as tools make them: the tree here is the one that the tool itself shows, whatever the layers are packed in.
@Suite(.asRoot, .overlay, .buildah, .busybox) struct RealImageTests {
    /// Installs, links, deletes, renames, changes modes and types, gives capabilities: each step a layer.
    private static let steps = """
        cp /bin/busybox busybox
        cat > Containerfile <<END
        FROM scratch
        COPY busybox /bin/busybox
        RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin && mkdir -p -m 1777 /tmp && mkdir -m 700 /root"]
        RUN ["/bin/sh", "-c", "mkdir -p /opt/app/lib /opt/old && echo 1 > /opt/app/one && ln /opt/app/one /opt/app/lib/also && echo 2 > /opt/old/two && mkfifo /tmp/pipe"]
        RUN ["/bin/sh", "-c", "chmod 4711 /opt/app/one && chown 1000:65534 /opt/old/two && ln /opt/old/two /opt/app/linked"]
        RUN ["/bin/sh", "-c", "mv /opt/app /opt/moved && rm -r /opt/old && mkdir /opt/old && echo new > /opt/old/three && touch -d 199912312359.59 /opt/old/three"]
        RUN ["/bin/sh", "-c", "rm /opt/moved/lib/also && ln -s /opt/old /opt/link && rm -r /opt/moved/lib && echo file > /opt/moved/lib"]
        END
        b bud --quiet --layers --isolation chroot --tag steps . >/dev/null
        c=$(b from --quiet steps)
        m=$(b mount "$c")
        cp "$m/bin/busybox" "$m/opt/capable"
        python3 -c 'import os, sys
        os.setxattr(sys.argv[1], "security.capability", bytes([1, 0, 0, 2, 0, 4] + [0] * 14))
        os.setxattr(sys.argv[1], "user.note", b"\\0\\xff")' "$m/opt/capable"
        rm -r "$m/opt/moved"
        b commit --quiet "$c" built >/dev/null
        b rm "$c" >/dev/null
        b from --quiet --name shown built >/dev/null
        b push --quiet built oci:layout:built
        b push --quiet built docker-archive:archive.tar:built:latest
        skopeo copy --quiet --dest-decompress docker-archive:archive.tar dir:plain
        skopeo copy --quiet --dest-compress-format zstd dir:plain oci:zstd:built
        """

    /// Directories' times are those of the last change in them, which every engine makes at another time. A root that no layer lists has
    /// the mode 0555 in containers/storage.
    private static func comparable(_ listing: Listing) -> Listing {
        var listing = listing.mapValues { object in
            var object = object
            object.links = nil
            if object.kind == .directory { object.time = FileTime(seconds: 0) }
            return object
        }
        listing[""]?.mode = 0
        return listing
    }

    @Test("an image of many steps is here what its builder shows, from layers in gzip, zstd and plain tar")
    func built() throws {
        try withDirectory { directory in
            let buildah = try Buildah(directory.appending("peer"))
            try buildah.script(Self.steps)
            let shown = Self.comparable(try buildah.mounted("shown"))
            #expect(shown["opt/capable"]?.attributes.count == 2 && shown["opt/old/three"] != nil && shown["opt/moved"] == nil)
            let image = try ForeignImage("built", inLayout: buildah.directory.appending("layout"))
            #expect(image.manifest.layers.count == 7)
            #expect(image.manifest.layers.allSatisfy { $0.mediaType.rawValue.hasSuffix("+gzip") })
            let tree = try image.merged(in: directory.appending("gzip"))
            expectSame(shown, Self.comparable(tree))

            let zstd = try ForeignImage("built", inLayout: buildah.directory.appending("zstd"))
            #expect(zstd.manifest.layers.allSatisfy { $0.mediaType.rawValue.hasSuffix("+zstd") })
            expectSame(tree, try zstd.merged(in: directory.appending("zstd")))
            let plain = try ForeignImage(inDirectory: buildah.directory.appending("plain"))
            expectSame(tree, try plain.merged(in: directory.appending("plain")))
            guard case .tree(let umoci) = try Umoci(directory: buildah.directory).unpack("built") else {
                Issue.record("umoci refuses the image")
                return
            }
            expectSame(Self.comparable(umoci), Self.comparable(tree))
        }
    }

    /// A Debian of mmdebstrap with Python, where `make test` has made it; `CTR_SWIFT_PEER_LAYOUTS=a:b` are other OCI layouts with an image "latest".
    private static let layouts = {
        let environment = ProcessInfo.processInfo.environment
        if let given = environment["CTR_SWIFT_PEER_LAYOUTS"] { return given.split(separator: ":").map { String($0) } }
        let made = (environment["CTR_SWIFT_FIXTURES"] ?? ".build/fixtures") + "/python-app"
        return access(made + "/index.json", R_OK) == 0 ? [made] : []
    }()

    @Test("any other image is here what buildah, podman and umoci make of it", arguments: layouts)
    func given(_ layout: String) throws {
        try withDirectory { directory in
            let buildah = try Buildah(directory.appending("peer"))
            _ = try run(["cp", "-r", layout, "\(buildah.directory)/layout"])
            let ours = Self.comparable(
                try ForeignImage("latest", inLayout: buildah.directory.appending("layout")).merged(in: directory.appending("ours")))
            #expect(ours.count > 100)
            for theirs in [
                try buildah.unpack("latest"), try Podman(directory: buildah.directory).unpack("latest"),
                try Umoci(directory: buildah.directory).unpack("latest"),
            ] {
                guard case .tree(let tree) = theirs else {
                    Issue.record("refused: \(theirs)")
                    continue
                }
                expectSame(Self.comparable(tree), ours)
            }
        }
    }
}
