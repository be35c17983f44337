// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage
import Testing

extension Trait where Self == ConditionTrait {
    /// Containers are made by root.
    static var asRoot: Self { .enabled("needs root: run `make test` as root") { geteuid() == 0 } }

    /// The root filesystem of the tests' containers is made of this one package.
    static var busybox: Self { .enabled("needs busybox-static: run `make setup`") { access(TestNode.busybox, X_OK) == 0 } }

    static var shim: Self {
        .enabled("needs ctr-swift-shim in CTR_SWIFT_BIN or beside the tests: run `make build`") {
            access(TestNode.shim.string, X_OK) == 0
        }
    }
}
