// SPDX-License-Identifier: Apache-2.0
import CSeccomp
@main struct Main { static func main() { print("shim", seccomp_api_get()) } }
