// swift-tools-version:6.2
// SPDX-License-Identifier: Apache-2.0

// The manifest is the architecture diagram: targets are listed bottom-up and depend downwards only.
// See docs/architecture.md for what each one does.
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
    // Types are made by their accessors. By their mangled names, which takes less code, the runtime looks up each conformance among the
    // thousands of the program: a millisecond of each short run of the client and the shim.
    .unsafeFlags(["-Xfrontend", "-disable-concrete-type-metadata-mangled-name-accessors"]),
]

/// The executables carry the Swift runtime with them. It is asked for here, at the link, and not by `--static-swift-stdlib` for the
/// whole build, so that tests and executables come out of one build; the archives that autolinking then can't know are named.
let staticFoundationEssentials = ["-l_FoundationCShims", "-l_FoundationCollections"]
let staticFoundation =
    staticFoundationEssentials + ["-lCoreFoundation", "-l_FoundationICU", "-lFoundationInternationalization", "-lFoundationEssentials"]

/// CLI, shim and OCI runtime: nothing of the node is needed, and they start in milliseconds.
let staticExecutable: [LinkerSetting] = [.unsafeFlags(["-static-executable"] + staticFoundationEssentials)]

/// Where the page cache has a program in pieces of 2 MiB, one fault maps a piece whole, and each of hundreds of shims counts its share of what nobody
/// uses. It can't where address and offset differ by no multiple of a piece (mm/filemap.c, `filemap_map_pmd`). Costs a start 0.2 ms.
let mappedBySmallPages: [LinkerSetting] = [.unsafeFlags(["-Xlinker", "-Ttext-segment=0x410000"])]

/// The daemon resolves registry names with glibc, so it stays dynamic there, but needs no Swift on the node. Nobody links to it, and the
/// dynamic linker reads every symbol and relocation that is left at each start: 6 MB less stay resident (glibc 2.36 has RELR).
let staticStandardLibrary: [LinkerSetting] = [
    .unsafeFlags(["-static-stdlib", "-use-ld=lld"] + staticFoundation),
    .unsafeFlags(["-Xlinker", "--no-export-dynamic", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs"]),
]

extension Target.Dependency {
    static let system = Self.product(name: "SystemPackage", package: "swift-system")
    static let arguments = Self.product(name: "ArgumentParser", package: "swift-argument-parser")
    static let logging = Self.product(name: "Logging", package: "swift-log")
    static let crypto = Self.product(name: "Crypto", package: "swift-crypto")
    static let grdb = Self.product(name: "GRDB", package: "GRDB.swift")
    static let httpClient = Self.product(name: "AsyncHTTPClient", package: "async-http-client")
    static let hummingbird = Self.product(name: "Hummingbird", package: "hummingbird")
    static let lifecycle = Self.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let nioCore = Self.product(name: "NIOCore", package: "swift-nio")
    static let nioPosix = Self.product(name: "NIOPosix", package: "swift-nio")
    static let nioHTTP1 = Self.product(name: "NIOHTTP1", package: "swift-nio")
    static let nioSSL = Self.product(name: "NIOSSL", package: "swift-nio-ssl")
    static let toml = Self.product(name: "TOMLKit", package: "TOMLKit")
}

func library(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil, resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, path: path, resources: resources, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
    name: "ctr-swift",
    products: [
        .library(name: "CtrEngine", targets: ["Engine"]),
        .executable(name: "ctr-swift", targets: ["ctr-swift"]),
        .executable(name: "ctr-swiftd", targets: ["ctr-swiftd"]),
        .executable(name: "ctr-swift-shim", targets: ["ctr-swift-shim"]),
        .executable(name: "ctr-swift-oci", targets: ["ctr-swift-oci"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    ],
    targets: [
        // C: only what Swift can't import.
        .target(name: "CLinux", cSettings: [.define("_GNU_SOURCE")]),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CCap", pkgConfig: "libcap", providers: [.apt(["libcap-dev"])]),
        .systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),

        // Leaves: usable and tested alone.
        library("JSON", []),
        library("Linux", ["CLinux", .system]),
        library("OCI", ["JSON"]),

        // Layers and what keeps them.
        library("Tar", []),
        library("FileTransfer", ["CLinux", "Linux", "Tar", .system]),
        library("Compression", ["CISAL", "CZstd"]),
        library("Layers", ["CISAL", "Linux", "OCI", "Tar", "Compression", "JSON", .crypto, .system]),
        library("Metadata", ["OCI", "JSON", "Linux", .grdb, .system]),
        library("Snapshots", ["Layers", "Metadata", "Linux", "OCI", "JSON", .system, .logging]),
        library("ContentStore", ["Metadata", "Linux", "OCI", .crypto, .system]),
        library(
            "Registry",
            ["APITypes", .crypto, "OCI", "JSON", "Linux", .httpClient, .nioCore, .nioPosix, .nioHTTP1, .nioSSL, .logging, .system]),
        library(
            "Images",
            [
                "Compression", "APITypes", "OCI", "JSON", "Linux", "Registry", "ContentStore", "Snapshots", "Layers", "Metadata", "Tar",
                .logging, .crypto, .system,
            ]),

        // Processes.
        library("Runtime", ["CSeccomp", "CCap", "Linux", "OCI", "JSON", .system]),
        library("ShimProtocol", ["CLinux", "JSON", "Linux", "OCI", .system]),
        library("Shim", ["CLinux", "ShimProtocol", "Runtime", "FileTransfer", "Tar", "Linux", "OCI", "JSON", .system]),
        library(
            "Containers",
            [
                "ShimProtocol", "APITypes", "Snapshots", "Layers", "Metadata", "Runtime", "CLinux", "Linux", "OCI", "JSON", .logging,
                .system, .nioPosix,
            ]),

        // The engine, its socket, and the executables.
        library("APITypes", ["JSON", "OCI"]),
        library(
            "Engine",
            [
                "ContentStore", "Registry", "Layers", "ShimProtocol", "JSON", "Containers", "Images", "Snapshots", "APITypes", "Metadata",
                "Linux", "OCI", .logging, .system,
            ]),
        library("HTTPServer", ["Engine", "APITypes", "JSON", "Linux", .hummingbird, .logging, .lifecycle, .nioCore, .nioPosix, .system]),
        library("Client", ["APITypes", "ShimProtocol", "FileTransfer", "Tar", "CLinux", "JSON", "Linux", "OCI", .system]),

        .executableTarget(
            name: "ctr-swift",
            dependencies: ["Client", "FileTransfer", "ShimProtocol", "APITypes", "Linux", "OCI", "JSON", .arguments, .system],
            swiftSettings: strict, linkerSettings: staticExecutable),
        .executableTarget(
            name: "ctr-swiftd", dependencies: ["HTTPServer", "Engine", "Linux", .arguments, .toml, .logging, .lifecycle, .system],
            swiftSettings: strict, linkerSettings: staticStandardLibrary),
        .executableTarget(
            name: "ctr-swift-shim", dependencies: ["Shim", .system],
            swiftSettings: strict, linkerSettings: staticExecutable + mappedBySmallPages),
        .executableTarget(
            name: "ctr-swift-oci", dependencies: ["Runtime", "Linux", "OCI", "JSON", .arguments, .system],
            swiftSettings: strict, linkerSettings: staticExecutable),

        // What strangers' bytes reach; the tests give each target its corpus, `make fuzz` much more.
        library(
            "FuzzTargets", ["Layers", "Tar", "Compression", "Registry", "OCI", "JSON", "Linux", .crypto, .system], path: "Fuzz/Targets"),

        // What several of the tests share.
        library("TestSupport", ["CLinux", "Linux", .system], path: "Tests/TestSupport"),
        library(
            "RegistryFixtures", ["TestSupport", "OCI", "Registry", .crypto, .nioCore, .nioPosix, .nioHTTP1, .nioSSL],
            path: "Tests/RegistryFixtures"),

        // Unit tests run anywhere; the ones that need the kernel say so and run as root.
        tests("JSONTests", ["JSON"]),
        tests("OCITests", ["TestSupport", "OCI", "JSON"]),
        tests("LinuxTests", ["TestSupport", "Linux", .system]),
        tests("TarTests", ["TestSupport", "Tar"]),
        tests("FileTransferTests", ["TestSupport", "FileTransfer", "Tar", "Linux", .system]),
        tests("CompressionTests", ["TestSupport", "Compression", "CZstd"]),
        tests("LayersTests", ["TestSupport", "Layers", "Tar", "Compression", "OCI", "Linux", .crypto, .system]),
        tests(
            "SnapshotsTests", ["TestSupport", "Snapshots", "Metadata", "ContentStore", "Layers", "Linux", "OCI", "JSON", .system, .logging]),
        tests(
            "RegistryTests",
            ["TestSupport", "Registry", "RegistryFixtures", "APITypes", "OCI", "JSON", "Linux", .logging, .nioSSL, .system]),
        tests(
            "ImagesTests",
            [
                "TestSupport", "Images", "RegistryFixtures", "Registry", "ContentStore", "Snapshots", "Layers", "Metadata", "APITypes",
                "OCI", "Linux",
                .logging, .system,
            ]),
        tests("RuntimeTests", ["TestSupport", "Runtime", "OCI", "JSON", "Linux", .system]),
        tests("ShimTests", ["TestSupport", "Shim", "ShimProtocol", "Runtime", "OCI", "JSON", "Linux", .system]),
        tests(
            "ContainersTests",
            [
                "TestSupport", "Containers", "ShimProtocol", "APITypes", "Snapshots", "Metadata", "Runtime", "Linux", "OCI", "JSON",
                .logging,
                .system,
            ]),
        tests(
            "EngineTests",
            ["TestSupport", "Engine", "RegistryFixtures", "APITypes", "Linux", .logging, .system]),
        tests("ClientTests", ["TestSupport", "Client", "APITypes", "Linux", "OCI", "JSON", .system]),
        tests("FuzzTests", ["TestSupport", "FuzzTargets"]),
        tests(
            "IntegrationTests",
            ["TestSupport", "RegistryFixtures", "Client", "APITypes", "Metadata", "Linux", "OCI", "JSON", .system]),
    ]
)

// `scripts/fuzz` builds these few alone, instrumented, with libFuzzer as the main program; of Registry what needs no network library.
if Context.environment["CTR_SWIFT_FUZZ"] != nil {
    let needed: Set = ["CLinux", "CISAL", "CZstd", "JSON", "Linux", "OCI", "Tar", "Compression", "Layers", "FuzzTargets"]
    package.products = [.executable(name: "ctr-swift-fuzz", targets: ["ctr-swift-fuzz"])]
    package.targets.removeAll { !needed.contains($0.name) }
    package.targets += [
        .target(
            name: "Registry", sources: ["Challenge.swift", "ContentRange.swift", "WebAddress.swift"], swiftSettings: strict),
        .executableTarget(name: "ctr-swift-fuzz", dependencies: ["FuzzTargets"], path: "Fuzz/Driver", swiftSettings: strict),
    ]
}
